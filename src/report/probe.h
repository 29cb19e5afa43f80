#ifndef REPORT_PROBE_H
#define REPORT_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/member.h"
#include "math/hist.h"
#include "net/addr.h"
#include "report/during.h"
#include "report/field.h"
#include "report/finding.h"
#include "report/reach.h"
#include "report/labels.h"

/* The result of a probe, as plain data. Unknown values are NULL, -1 or NAN. */

enum latency { LATENCY_CONNECT, LATENCY_PROXY, LATENCY_ACCEPT, LATENCY_TLS,
	LATENCY_ECHO, LATENCY_REPLY, LATENCY_LATE, LATENCIES };
extern const char *const latency_names[LATENCIES];

/* In nanoseconds; NULL where nothing was measured. */
struct latencies {
	const struct hist *at[LATENCIES];
};

struct probe_target {
	const struct addr *address;	/* NULL: several, or only a name */
	const char *name;		/* that a proxy looks up, or NULL */
	int64_t port;			/* -1: none */
	const char *protocol;
	const char *proxy;		/* URLs on the way, or NULL */
};

/* One that is reached without a proxy, or several (NULL). */
struct probe_target target_direct(const struct addr *, const char *protocol);
/* "127.0.0.1:9000", "server.example:80"; "": several. Returns text. */
enum { TARGET_TEXT = 272 };
const char *target_text(const struct probe_target *,
    char text[static TARGET_TEXT]);

enum failure { FAILURE_REFUSED, FAILURE_RESET, FAILURE_TIMEOUT, FAILURE_PROXY,
	FAILURE_TLS, FAILURE_ANSWER, FAILURE_OTHER, FAILURES };
extern const char *const failure_names[FAILURES];

/* The handshakes that succeeded; what the last one agreed on. */
struct probe_tls {
	uint64_t handshakes, resumed;
	const char *version, *cipher;	/* NULL: not known */
	const char *alpn;		/* any bytes; NULL: none was chosen */
};

struct probe_failures {
	uint64_t at[FAILURES];
	const char *reason[FAILURES];	/* the last one's in words, or NULL */
};
uint64_t failures_sum(const struct probe_failures *);

/* A member that answered: a process, or a name from its greeting or reply. */
struct probe_member {
	struct member who;		/* uid: if only its user is known */
	int64_t sockets;		/* listening ones that it accepts from */
	int64_t stopped;		/* at the end: 1 if by a signal, else 0 */
	int64_t waiting;		/* in its own queues, at the end */
	uint64_t count;			/* predicted ones included */
	uint64_t predicted, queued;
	uint64_t failed;		/* accepted, and then not answered */
	int64_t due, unanswered;	/* for it by the hash; timed out */
	const char *const *flags;
	int64_t answered;		/* the part of count seen to answer */
	int64_t handed;			/* accepted; others answered */
	double share, expected;
	const struct latencies *latency;
};

struct probe_fairness {
	double chi2, p;
	int64_t dof;
	const char *verdict;
	bool at_least;			/* silent members can't be known */
	bool equal;			/* all expect the same */
	/* false: members changed, or one accepts nothing, or clients wait */
	bool expects;
	double spread;			/* 99 % of fair cases are within this */
	double deviation;		/* the largest, relative */
	int deviant;			/* its index; -1: none deviates */
	uint64_t enough;		/* n that shows a silent member */
	uint64_t needed;		/* n that shows a skew of 10 % */
};

/* --what-if: how many of the flows seen would move to another socket. */
struct probe_what_if {
	const char *change;		/* "+1", "-1", or a member */
	int64_t sockets;		/* the group's, before the change */
	uint64_t flows;
	double fraction, moved;		/* NAN: depends on which index leaves */
	double low, high;		/* 99 % of the cases lie between */
	double ideal;			/* smallest possible fraction */
};

struct probe_report {
	const char *command;		/* "probe" */
	const struct probe_target *target;
	const char *by, *loop;
	const char *host;		/* on which the probe ran */
	const struct labels *labels;	/* NULL: none */
	uint64_t reports;		/* merged into this one */
	const char *steering;		/* rpnc's members set it; NULL: none */
	int64_t steered;		/* a program chooses, not the hash */
	const char *started_at, *ended_at;	/* RFC 3339; NULL: not known */
	const struct clock_error *clock;	/* NULL: not known */
	double overlap;			/* merged runs; NAN: one, or not known */
	uint64_t attempts, ok;
	double seconds;
	const struct probe_failures *failed;
	uint64_t queued, unattributed, predicted;
	uint64_t mismatched;		/* --expect or --echo was not met */
	uint64_t abandoned;		/* in flight when a signal came */
	const struct probe_member *members;
	size_t member_count;
	const char *const *flags;	/* its own and its members' */
	const struct probe_fairness *fairness;	/* NULL: nothing to judge */
	const struct probe_what_if *what_if;	/* NULL: none */
	const struct latencies *latency;
	const struct probe_tls *tls;	/* NULL: no handshake */
	const struct probe_during *during;	/* NULL: no command ran */
	const struct reach_report *reach;	/* NULL: any member would do */
	const struct finding *finding;	/* the first of these; NULL: none */
	const char *verdict;		/* the kind of finding, or NULL */
	/* for people only */
	int64_t concurrency;
	double rate;
	bool detail;			/* -v */
	const struct finding_list *findings;
	const char *const *notes;	/* further sentences, until NULL */
};

extern const struct field probe_fields[];	/* for struct probe_report */
extern const struct field probe_target_fields[], probe_failure_fields[],
    probe_latency_fields[], probe_fairness_fields[];

#endif
