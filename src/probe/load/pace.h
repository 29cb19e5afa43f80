#ifndef PROBE_LOAD_PACE_H
#define PROBE_LOAD_PACE_H

#include "probe/load/attempt.h"

/*
 * Starts attempts, and ends when they have: at most so many at once, or as
 * many a second. The first attempts are the scout's: one at a time, through
 * the addresses, again and again with more patience, until one accepts; that
 * one is kept, and it is the only one that counts. All the scout's attempts
 * together have the time of one.
 */
struct pace {
	struct ground ground;
	const struct plan *plan;
	struct addr_list addresses;
	int address;			/* of the scout */
	struct attempt_result refusal;	/* what the first address said */
	int64_t tried;			/* how long each had, microseconds */
	bool silent;			/* one of them in this round */
	bool scouting, stopping, filling;
	struct source clock;		/* a timerfd */
	int64_t armed;			/* when it rings; 0: never */
	struct attempt *attempts, *idle;
	int used;			/* so many of them ever were */
	int in_flight, turn;		/* whose tick is next */
	uint64_t begun;			/* the scout's failures left out */
	uint64_t skipped;		/* never started: see enum skip */
	int64_t shift;			/* by which their times put off others' */
	uint64_t cut_at;		/* from this one on, */
	int64_t cut;			/* by so much more */
	int64_t ran;			/* when we last did; while that matters */
	uint64_t torn;			/* in flight while we did not: up to it */
	int64_t started, first, last;	/* clock_ns(): it, its pace, its end */
	int64_t rested;			/* when a pause is over */
	int64_t retry, again;		/* --wait: the pause, and its end */
	struct timer patience;		/* for what is in flight at a signal */
	/* Aims at an address that is tried next. */
	void (*on_aim)(struct pace *, const struct addr *);
	/* Adds addresses that have come late. */
	void (*on_more)(struct pace *);
	/* An address of several did not accept. */
	void (*on_skip)(struct pace *, const struct addr *, int error);
	/* Of each attempt that counts, after it was counted. Or NULL. */
	void (*on_result)(struct pace *, const struct attempt_result *);
	void (*on_done)(struct pace *);
	void *user;
};

/*
 * The callbacks, plan, addresses, and ground's tally are set; ground's who
 * and by are set by on_aim at the latest. -1 without memory or descriptors.
 */
int pace_open(struct pace *, struct loop *);
/* Starts no more; what is in flight goes on. */
void pace_end(struct pace *);
/* The same, and what is in flight has half a second. */
void pace_stop(struct pace *);
void pace_close(struct pace *);

#endif
