#ifndef PROBE_STATS_TALLY_H
#define PROBE_STATS_TALLY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe/stats/blame.h"
#include "report/probe.h"

/* Counts of attempts: all, and for each member that answered. */

/* How an attempt ended; OUT_OK: connected, accepted and answered. */
enum outcome {
	OUT_OK, OUT_REFUSED, OUT_RESET, OUT_TIMEOUT, OUT_OTHER, OUT_QUEUED,
	OUT_PROXY,			/* a proxy refused, or failed */
	OUT_TLS,			/* the handshake, or what came after it */
	OUT_ANSWER,			/* --ask: a wrong answer */
	OUT_ENDED,			/* before its reply; only with losses */
	OUTCOMES,
};

enum { ROW_NAME = 64 + 1, ROW_NAMES_MAX = 256, NEWCOMERS = 64 };

struct row {
	char name[ROW_NAME];		/* "": none; self_named: any bytes */
	char host[ROW_NAME];
	char command[16 + 1];
	pid_t pid;			/* 0: not known */
	bool foreign;			/* only its user is known: */
	uid_t uid;
	int worker;			/* -1: none */
	bool self_named;		/* known by what the peer calls itself */
	bool gone;			/* ended; another may have its pid */
	bool unused;			/* free for another member */
	int at;				/* in a copy: index in the original */
	double weight;			/* expected share, relative; 0: none */
	int sockets;			/* it accepts from; 0: not known */
	bool listens;			/* has, or had, a listener */
	bool asked;			/* the next two are known */
	bool stopped;			/* at the end */
	int64_t waiting;		/* in its queues, at the end; or -1 */
	uint64_t count;			/* connections seen to be its */
	uint64_t predicted, queued;	/* known by prediction only */
	uint64_t failed;		/* accepted, then reset or timed out */
	struct blame blame;
	uint64_t held, confirmed, handed;	/* see answer.c */
	uint64_t elsewhere;		/* part of count: of another process */
	int confirmations, readings;
	bool hands;			/* was seen to hand a connection on */
	struct hist *latency[LATENCIES];
};

/* See newcomer.h. */
struct newcomer {
	pid_t pid;			/* 0: none */
	int row;			/* its connection counts for it; or -1 */
	int64_t ns[LATENCIES];
};

enum { TALLY_WRONG = 48, TALLY_REASON = 320, TALLY_ALPN = 64 };

struct tally {
	struct row *rows;
	int count, room, named;
	int earlier;			/* index + 1 of the forgotten row */
	uint64_t attempts, out[OUTCOMES];
	uint64_t unattributed, mismatched, abandoned;
	uint64_t deferred;		/* not accepted before data comes */
	uint64_t replied;		/* the kernel was asked again */
	struct probe_tls tls;
	char alpn[TALLY_ALPN];		/* that the last handshake chose */
	int other_error;		/* errno of the last OUT_OTHER */
	char reason[OUTCOMES][TALLY_REASON];	/* the last one's, or "" */
	/* the first answer that was not expected: its beginning, any bytes */
	char wrong[TALLY_WRONG];
	size_t wrong_length;
	struct hist *latency[LATENCIES];
	struct newcomer newcomers[NEWCOMERS];
	unsigned newcomer;		/* the next to be replaced */
};

/* The evidence that its row answered: see answer.c. */
enum answer { ANSWER_UNKNOWN, ANSWER_HELD, ANSWER_CONFIRMED };

/* One attempt. */
struct attempt_result {
	uint64_t number;		/* from 1, in order of their starts */
	enum outcome outcome;
	int error;			/* errno, or 0 and: */
	char reason[TALLY_REASON];	/* in words */
	int row, predicted;		/* answered, predicted; or -1 */
	int due;			/* the row whose it was; or -1 */
	pid_t newcomer;			/* the row's child that has it, or 0 */
	int accepted;			/* another row that accepted, or -1 */
	bool deferred;			/* not accepted before data comes */
	bool elsewhere;			/* a process without a row had it */
	bool replied;			/* the kernel was asked again */
	enum answer answer;
	bool mismatched;
	struct probe_tls tls;		/* handshakes: 0 or 1 */
	bool unproven;			/* maybe no process accepted it */
	int64_t started;		/* clock_ns(); when it was due */
	int64_t took;			/* time to the complete reply, or -1 */
	int64_t answered;		/* that came then, clock_ns(); or 0 */
	int64_t ns[LATENCIES];		/* -1: not measured */
};

/* The outcome that a failure in a report counts. */
extern const enum outcome failure_outcomes[FAILURES];
struct probe_failures tally_failures(const struct tally *);

void tally_free(struct tally *);
void tally_add(struct tally *, const struct attempt_result *);
/* Whether tally_add() counts the time of that enum latency. */
bool tally_measures(const struct attempt_result *, int latency);

/*
 * A newcomer (newcomer.c) was seen to have a connection; returns whether it had
 * one before. The connection counts for its parent, unless the newcomer gets a
 * row in time: tally_joins().
 */
bool tally_newcomer(struct tally *, pid_t);
void tally_joins(struct tally *, pid_t, int row);
void tally_newcomers_end(struct tally *);

/* Its names and numbers for a report. */
struct member row_member(const struct row *);
/* Its connections, seen and predicted. */
uint64_t row_total(const struct row *);
/* How many of its connections it is known to have answered. */
uint64_t row_answered(const struct row *);

/* Whether any row had a connection that another process answered. */
bool tally_hands_on(const struct tally *);

/* The row of a process, made if need be; -1 without memory. */
int tally_process(struct tally *, pid_t pid);
/* The same, but it is not made; -1: none. */
int tally_process_find(const struct tally *, pid_t pid);

/* The row of a member of another PID namespace; -1 without memory. */
int tally_hidden(struct tally *, const struct row *like);
/* The row of a user's processes that can't be seen; -1 without memory. */
int tally_user(struct tally *, uid_t uid);

/*
 * Adds a row to the one of all that are forgotten, and frees it. No attempt in
 * flight may refer to it. tally_tidy() drops free rows. -1 without memory.
 */
int tally_forget(struct tally *, int row);
void tally_tidy(struct tally *);

/*
 * The row for a name that a peer gives itself; -1 without memory, or if there
 * are ROW_NAMES_MAX already: strangers can send any number of names.
 */
int tally_name(struct tally *, const struct row *like);

/* The same, if the caller knows that there is none yet; no limit. */
int tally_name_new(struct tally *, const struct row *like);

#endif
