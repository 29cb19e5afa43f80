#ifndef REPORT_WATCH_H
#define REPORT_WATCH_H

#include "base/member.h"
#include "report/probe.h"
#include "report/rate_history.h"

/*
 * The data of --watch: its last interval and its totals. Unknown values are
 * NULL, -1 or NAN.
 */

struct watch_member {
	struct member who;
	const char *state;		/* the process's state */
	uint64_t count;			/* predicted ones included */
	uint64_t predicted, queued;
	uint64_t since;			/* the part after the last change */
	double share, expected;		/* for the connections since then */
	double rate;			/* a second, in the interval */
	const struct rate_track *track;	/* for people only; NULL: none */
};

/* The last interval. */
struct watch_now {
	double seconds, rate;		/* attempts a second */
	uint64_t attempts, ok, queued;
	uint64_t skipped;		/* too late, so never started */
	const struct probe_failures *failed;
	const struct latencies *latency;
};

struct watch_report {
	const char *command;		/* "watch" */
	const struct probe_target *target;
	const char *by, *loop, *steering;
	double seconds;
	uint64_t attempts, ok, queued, unattributed, mismatched, skipped;
	const struct probe_failures *failed;
	const struct watch_now *now;
	const struct watch_member *members;
	size_t member_count;
	uint64_t left;			/* given to members that left */
	double steady;			/* seconds since members last changed */
	const struct finding *finding;	/* since the last change; NULL: none */
	const char *verdict;		/* the kind of finding, or NULL */
	const struct probe_fairness *fairness;
	/* for people only */
	uint64_t judged;		/* counted since the last change */
	double asked;			/* attempts a second; 0: closed loop */
	int64_t concurrency;
	const double *rates;		/* the last intervals', oldest first */
	size_t rate_count;
	double period;			/* seconds between two of them */
	const char *note;		/* basis of the verdict, or NULL */
	const char *change;		/* "+ D at 12:01:03", or NULL */
};

extern const struct field watch_fields[];	/* for struct watch_report */

#endif
