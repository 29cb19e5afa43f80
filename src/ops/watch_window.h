#ifndef OPS_WATCH_WINDOW_H
#define OPS_WATCH_WINDOW_H

#include "probe/load/load.h"
#include "probe/stats/verdict.h"
#include "report/watch.h"

/* Who is there while a run goes on: see watch_window.c. */

enum { WATCH_WINDOW_CHANGE = 120 };

/* What stands beside a row of the run's tally. */
struct watch_row {
	bool member, now;		/* at the last look, at this one */
	uint64_t count, predicted, queued;	/* since members changed */
	uint64_t base;			/* by registry: its count at that time */
	uint64_t seen;			/* all that it had at the last look */
	uint64_t heard;			/* of all answers, its last one */
	int64_t left;			/* clock_ns(), or 0 */
	double rate;			/* a second, in the last interval */
};

struct watch_window {
	/* the caller's */
	struct load *load;
	/* Who came or went, and how many there are now. */
	void (*on_change)(struct watch_window *, const struct watch_member *,
	    bool came, int members);
	/* Connections are steered in another way. */
	void (*on_steering)(struct watch_window *, const char *steering);
	/* the rest is watch_window.c's */
	struct watch_row *at;
	int count;
	bool looked;			/* at least once */
	bool shared;			/* several accept from one socket */
	double weights;			/* of all members */
	uint64_t first;			/* number of the last before a change */
	uint64_t queued;		/* since */
	int64_t changed_at;		/* clock_ns(); 0: never */
	char change[WATCH_WINDOW_CHANGE];	/* "+ D, - B at 12:01:03" */
	/* Who is shown, with what was counted since. */
	struct tally recent;
};

/* Counts a result of the run, whose tally has it already. */
void watch_window_count(struct watch_window *, const struct attempt_result *);

/* Looks who is there; seconds since it last did. -1 without memory. */
int watch_window_look(struct watch_window *, double seconds, enum knowledge *);
/* Whether they are known by what they call themselves. */
bool watch_window_are_names(const struct watch_window *);
/* What is known of a row of the run's tally. */
void watch_window_show(const struct watch_window *, int row,
    struct watch_member *);
/* Lets go of rows of those that left long ago; -1 without memory. */
int watch_window_forget(struct watch_window *);
void watch_window_free(struct watch_window *);

#endif
