#ifndef OPS_WATCH_H
#define OPS_WATCH_H

#include "ops/watch_window.h"
#include "probe/load/expected_shares.h"

/* A load that runs on and is reported at intervals: see watch.c. */

enum { WATCH_RATES = 120 };

struct watch {
	struct watch_window window;	/* the caller sets load and callbacks */
	struct steering weights;	/* --expect-weights; count 0: none */
	struct watch_report report;	/* from the last look */
	/* watch.c fills in the rest. */
	int64_t observed_at;		/* clock_ns(); 0: never */
	bool few;			/* counts since the last change */
	bool predicted;			/* the members are only predicted */
	struct tally now;		/* this interval, without rows */
	struct hist *last[LATENCIES];	/* the interval before */
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
	struct rate_history history;	/* of each member */
};

/* Counts a result; the caller calls it from the load's on_result. */
void watch_count(struct watch *, const struct attempt_result *);

/*
 * Ends an interval, and fills in the report. Returns 1, or 0 if the load has no
 * address yet; -1: no memory.
 */
int watch_observe(struct watch *);
void watch_free(struct watch *);

#endif
