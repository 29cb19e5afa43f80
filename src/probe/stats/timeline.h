#ifndef PROBE_STATS_TIMELINE_H
#define PROBE_STATS_TIMELINE_H

#include "probe/stats/tally.h"
#include "report/during.h"

/*
 * What became of attempts over time, by when each was to start. Intervals are
 * of one width, which doubles when there would be too many of them. Times are
 * clock_ns().
 */

enum { TIMELINE_INTERVALS = 48, TIMELINE_CHANGES = 256 };

struct interval {
	uint64_t attempts, slow;
	struct probe_losses lost;
	int64_t longest;		/* ns, of those that were not; 0: none */
};

struct timeline {
	int64_t slow_ns;		/* the caller's: slow is what takes longer */
	int64_t from;			/* and its beginning */
	int64_t width;
	struct interval at[TIMELINE_INTERVALS];
	int count;
	struct probe_losses lost;
	uint64_t slow, untried, unproven;
	struct member_change {
		int64_t when;
		bool came;
		pid_t pid;
		char name[ROW_NAME], command[16 + 1];
	} *changes;
	int change_count;
	uint64_t unlisted;
	/* as reports have it */
	struct probe_interval *intervals;
	struct probe_change *changed;
};

/* How many are lost, of all kinds. */
uint64_t losses_sum(const struct probe_losses *);

void timeline_add(struct timeline *, const struct attempt_result *);
/* A member came or went, just now. */
void timeline_change(struct timeline *, const struct row *, bool came);
/* Fills in what it knows of a report, which lives as long. -1: no memory. */
int timeline_report(struct timeline *, struct probe_during *);
void timeline_free(struct timeline *);

#endif
