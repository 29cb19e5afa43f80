#ifndef PROBE_STATS_TALLY_H
#define PROBE_STATS_TALLY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "report/probe.h"

/* What was counted: in all, and for each who answered. */

/* How an attempt ended: connected, accepted and answered as asked, or not. */
enum outcome {
	OUT_OK, OUT_REFUSED, OUT_RESET, OUT_TIMEOUT, OUT_OTHER, OUT_QUEUED,
	OUT_ENDED,			/* before its reply; only with losses */
	OUTCOMES,
};

enum { ROW_NAME = 64 + 1, ROW_NAMES_MAX = 256, NEWCOMERS = 64 };

struct row {
	char name[ROW_NAME];		/* "": none; a peer's: any bytes */
	char host[ROW_NAME];
	char command[16 + 1];
	pid_t pid;			/* 0: not known */
	bool foreign;			/* only this is known: */
	uid_t uid;
	int worker;			/* -1: none */
	bool self_named;		/* known by what the peer calls itself */
	bool gone;			/* the process is, its pid another's */
	bool unused;			/* nobody's, until somebody needs it */
	int at;				/* of a copy: its place in the whole */
	double weight;			/* of the connections; 0: no member */
	int sockets;			/* that it accepts from; 0: not known */
	bool listens;			/* its process has, or had, a listener */
	bool asked;			/* these two are known: */
	bool stopped;			/* its process is, at the end */
	int64_t waiting;		/* in its queues at the end; -1: unknown */
	uint64_t count;			/* who answered was seen */
	uint64_t predicted, queued;	/* only asked for before connecting */
	uint64_t failed;		/* accepted, then reset or timed out */
	uint64_t held, confirmed, handed;	/* see answer.c */
	uint64_t elsewhere;		/* of count: seen in another process */
	int confirmations, readings;
	bool hands;			/* was seen to hand one on */
	struct hist *latency[LATENCIES];
};

/* See newcomer.h. */
struct newcomer {
	pid_t pid;			/* 0: nobody */
	int row;			/* that its connection counts for; -1 */
	int64_t ns[LATENCIES];
};

struct tally {
	struct row *rows;
	int count, room, named;
	int earlier;			/* the row of those forgotten, +1 */
	uint64_t attempts, out[OUTCOMES];
	uint64_t unattributed, mismatched, abandoned;
	uint64_t deferred;		/* the server awaits data first */
	uint64_t replied;		/* the kernel was asked again */
	int other_error;		/* errno of the last OUT_OTHER */
	struct hist *latency[LATENCIES];
	struct newcomer newcomers[NEWCOMERS];
	unsigned newcomer;		/* the next to be replaced */
};

/* The evidence that its row answered: see answer.c. */
enum answer { ANSWER_UNKNOWN, ANSWER_HELD, ANSWER_CONFIRMED };

/* One attempt. */
struct attempt_result {
	uint64_t number;		/* from 1, as they were started */
	enum outcome outcome;
	int error;			/* errno */
	int row, predicted;		/* who answered, who was to; -1 */
	pid_t newcomer;			/* the child of row that has it; or 0 */
	int accepted;			/* row that did, if another; else -1 */
	bool deferred;			/* not accepted before data comes */
	bool elsewhere;			/* a process without a row had it */
	bool replied;			/* and the kernel was asked again */
	enum answer answer;
	bool mismatched;
	bool unproven;			/* nobody need have accepted it */
	int64_t started;		/* clock_ns(), when it was to be */
	int64_t took;			/* until all had come; -1: never */
	int64_t ns[LATENCIES];		/* -1: not measured */
};

void tally_free(struct tally *);
void tally_add(struct tally *, const struct attempt_result *);

/*
 * A newcomer (newcomer.h) was seen to have a connection; returns whether it had
 * another one before. Its connection counts for the row of its parent, unless
 * it gets a row itself in time.
 */
bool tally_newcomer(struct tally *, pid_t);
void tally_joins(struct tally *, pid_t, int row);
void tally_newcomers_end(struct tally *);

/* Its connections, seen and predicted. */
uint64_t row_total(const struct row *);
/* How many of its count it is known to have answered. */
uint64_t row_answered(const struct row *);

/* Whether any row has counts that another one had accepted. */
bool tally_hands_on(const struct tally *);

/* The row of a process, -1 without memory; with find it isn't made. */
int tally_process(struct tally *, pid_t pid);
int tally_process_find(const struct tally *, pid_t pid);

/* The row of a member whose pid is not ours to know; -1 without memory. */
int tally_hidden(struct tally *, const struct row *like);
/* The row of a user's processes that can't be seen; -1 without memory. */
int tally_user(struct tally *, uid_t uid);

/*
 * Adds a row to that of all who are forgotten, and makes it an unused one,
 * which tally_tidy() drops; no attempt may mean it. -1 without memory.
 */
int tally_forget(struct tally *, int row);
void tally_tidy(struct tally *);

/*
 * The row of what a peer called itself; -1 without memory, or where there
 * are ROW_NAMES_MAX already: what strangers say has no end.
 */
int tally_name(struct tally *, const struct row *like);

/* The same, where the caller knows that there is no row of it; no limit. */
int tally_name_new(struct tally *, const struct row *like);

#endif
