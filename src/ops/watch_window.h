#ifndef OPS_WATCH_WINDOW_H
#define OPS_WATCH_WINDOW_H

#include "probe/load/run.h"
#include "probe/stats/verdict.h"
#include "report/monitor.h"

/* Who is there while a run goes on: see sights.c. */

enum { SIGHTS_CHANGE = 120 };

/* What stands beside a row of the run's tally. */
struct sight {
	bool member, now;		/* at the last look, at this one */
	uint64_t count, predicted, queued;	/* since members changed */
	uint64_t base;			/* by registry: its count at that time */
	uint64_t seen;			/* all that it had at the last look */
	uint64_t heard;			/* of all answers, its last one */
	int64_t left;			/* clock_ns(), or 0 */
	double rate;			/* a second, in the last interval */
};

struct sights {
	/* the caller's */
	struct run *run;
	/* Who came or went, and how many there are now. */
	void (*on_change)(struct sights *, const struct monitor_member *,
	    bool came, int members);
	/* Connections are steered in another way. */
	void (*on_steering)(struct sights *, const char *steering);
	/* the rest is sights.c's */
	struct sight *at;
	int count;
	bool looked;			/* at least once */
	bool shared;			/* several accept from one socket */
	double weights;			/* of all members */
	uint64_t first;			/* number of the last before a change */
	uint64_t queued;		/* since */
	int64_t changed_at;		/* clock_ns(); 0: never */
	char change[SIGHTS_CHANGE];	/* "+ D, - B at 12:01:03" */
	/* Who is shown, with what was counted since. */
	struct tally recent;
};

/* Counts a result of the run, whose tally has it already. */
void sights_count(struct sights *, const struct result *);

/* Looks who is there; seconds since it last did. -1 without memory. */
int sights_look(struct sights *, double seconds, enum knowledge *);
/* Whether they are known by what they call themselves. */
bool sights_are_names(const struct sights *);
/* What is known of a row of the run's tally. */
void sights_show(const struct sights *, int row, struct monitor_member *);
/* Lets go of rows of those that left long ago; -1 without memory. */
int sights_forget(struct sights *);
void sights_free(struct sights *);

#endif
