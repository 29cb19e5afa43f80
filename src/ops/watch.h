#ifndef OPS_WATCH_H
#define OPS_WATCH_H

#include "ops/watch_window.h"
#include "probe/load/expected_shares.h"

/* A run that goes on, seen at intervals. */

enum { MONITOR_RATES = 120 };

struct monitor {
	struct sights sights;		/* first; its run and callbacks */
	struct steering weights;	/* --expect-weights; count 0: none */
	struct monitor_report report;	/* the last look's */
	/* the rest is monitor.c's */
	int64_t looked_at;		/* clock_ns(); 0: never */
	bool few;			/* counted since a change */
	bool predicted;			/* is all that is known of who got it */
	struct tally now;		/* of the interval, without rows */
	struct hist *last[LATENCIES];	/* of the interval before */
	uint64_t skipped;
	struct summary summary;
	struct expect expect;
	struct monitor_now part;
	struct probe_failures now_failed, failed;
	struct latencies latency;
	struct probe_target target;
	struct monitor_member *members;
	double rates[MONITOR_RATES];
	size_t rate_count;
};

/* Counts a result of the run: its on_result. */
void monitor_count(struct monitor *, const struct result *);

/*
 * Ends an interval, and fills the report in. Before the run has an address
 * nothing is seen, and it returns 0, else 1; -1 without memory.
 */
int monitor_look(struct monitor *);
void monitor_free(struct monitor *);

#endif
