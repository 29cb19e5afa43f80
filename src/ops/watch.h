#ifndef OPS_WATCH_H
#define OPS_WATCH_H

#include "ops/watch_window.h"
#include "probe/load/expected_shares.h"

/* A run that goes on, seen at intervals. */

enum { WATCH_RATES = 120 };

struct watch {
	struct watch_window window;	/* its run and callbacks */
	struct steering weights;	/* --expect-weights; count 0: none */
	struct watch_report report;	/* the last look's */
	/* the rest is watch.c's */
	int64_t looked_at;		/* clock_ns(); 0: never */
	bool few;			/* counted since a change */
	bool predicted;			/* is all that is known of who got it */
	struct tally now;		/* of the interval, without rows */
	struct hist *last[LATENCIES];	/* of the interval before */
	uint64_t skipped;
	struct verdict verdict;
	struct expected_shares expect;
	struct watch_now part;
	struct probe_failures now_failed, failed;
	struct latencies latency;
	struct probe_target target;
	struct watch_member *members;
	double rates[WATCH_RATES];
	size_t rate_count;
};

/* Counts a result of the run: its on_result. */
void watch_count(struct watch *, const struct attempt_result *);

/*
 * Ends an interval, and fills the report in. Before the run has an address
 * nothing is seen, and it returns 0, else 1; -1 without memory.
 */
int watch_look(struct watch *);
void watch_free(struct watch *);

#endif
