#ifndef PROBE_STATS_TIMELINE_H
#define PROBE_STATS_TIMELINE_H

#include "probe/stats/gap.h"
#include "probe/stats/tally.h"
#include "report/during.h"

/*
 * Outcomes of attempts over time, by when each was due. All intervals have one
 * width; it doubles if there would be too many. Times are clock_ns().
 */

enum { TIMELINE_INTERVALS = 48, TIMELINE_CHANGES = 256 };

struct interval {
	uint64_t attempts, slow;
	struct probe_losses lost;
	int64_t longest;		/* ns, of attempts not lost; 0: none */
};

struct timeline {
	int64_t slow_ns;		/* the caller's: longer is slow */
	int64_t hold_ns;		/* the caller's: part of each */
	int64_t from;			/* the start */
	int64_t width;
	struct interval at[TIMELINE_INTERVALS];
	int count;
	struct probe_losses lost;
	struct gap gap;			/* between good answers */
	int64_t due;			/* of the last attempt's answer */
	uint64_t slow, untried, unproven;
	struct member_change {
		int64_t when;
		bool came;
		pid_t pid;
		int64_t waiting;	/* -1: not known */
		char name[ROW_NAME], command[16 + 1];
	} *changes;
	int change_count;
	uint64_t unlisted;
	/* As in reports. */
	struct probe_interval *intervals;
	struct probe_change *changed;
};

/* The first attempt was due then; -1 without memory. */
int timeline_begin(struct timeline *, int64_t first);
/* Nothing could be seen until then. */
void timeline_resume(struct timeline *, int64_t when);
void timeline_add(struct timeline *, const struct attempt_result *);
/* A member came or went, just now. */
void timeline_change(struct timeline *, const struct row *, bool came);
/* Fills in its part of the report; must outlive it. -1 without memory. */
int timeline_report(struct timeline *, struct probe_during *);
void timeline_free(struct timeline *);

#endif
