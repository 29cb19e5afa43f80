#ifndef OPS_WATCH_WINDOW_H
#define OPS_WATCH_WINDOW_H

#include "probe/load/load.h"
#include "probe/stats/verdict.h"
#include "report/watch.h"

/* The members that a watched load meets: see watch_window.c. */

enum { WATCH_WINDOW_CHANGE = 120 };

/* One for each row of the load's tally. */
struct watch_row {
	bool member, now;		/* at the last look, at this one */
	uint64_t count, predicted, queued;	/* since members changed */
	uint64_t base;			/* --by registry: its count then */
	uint64_t seen;			/* its total at the last look */
	uint64_t heard;			/* number of the last answer, of all */
	uint64_t waits;			/* the last attempt that was queued
					 * there; 0: a later one was accepted */
	int64_t left;			/* clock_ns(), or 0 */
	double rate;			/* a second, in the last interval */
};

struct watch_window {
	/* The caller fills these in. */
	struct load *load;
	/* A member came or went; members: their number now. */
	void (*on_change)(struct watch_window *, const struct watch_member *,
	    bool came, int members);
	/* The steering of the group has changed. */
	void (*on_steering)(struct watch_window *, const char *steering);
	/* watch_window.c fills in the rest. */
	struct watch_row *at;
	int count;
	bool observed;			/* at least once */
	bool shared;			/* several processes share a socket */
	double weights;			/* sum over all members */
	uint64_t first;			/* the last attempt before the change */
	uint64_t queued;		/* since the change */
	uint64_t waits;			/* the last attempt that was queued at
					 * a member that is not known, or 0 */
	uint64_t passed;		/* later ones that were accepted */
	int64_t changed_at;		/* clock_ns(); 0: never */
	char change[WATCH_WINDOW_CHANGE];	/* "+ D, - B at 12:01:03" */
	/* The rows that are shown, with their counts since the change. */
	struct tally recent;
};

/* Counts a result that the load's tally has counted. */
void watch_window_count(struct watch_window *, const struct attempt_result *);

/*
 * Finds the members; seconds: since the last call. Sets *known, on which a
 * verdict can rest. -1: no memory.
 */
int watch_window_observe(struct watch_window *, double seconds,
    enum knowledge *);
/* Whether members are told apart by names that they give themselves. */
bool watch_window_are_names(const struct watch_window *);
/* Fills in what is known about a row of the load's tally. */
void watch_window_show(const struct watch_window *, int row,
    struct watch_member *);
/* Frees the rows of members that left long ago; -1: no memory. */
int watch_window_forget(struct watch_window *);
void watch_window_free(struct watch_window *);

#endif
