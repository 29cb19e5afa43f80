#ifndef PROBE_LOAD_SCHEDULE_H
#define PROBE_LOAD_SCHEDULE_H

#include "probe/load/plan.h"

/*
 * When the attempts of a load are due. Knows the clock, but no socket. Times
 * are nanoseconds of clock_ns().
 */
struct schedule {
	const struct plan *plan;
	bool scouting;			/* no address has accepted yet */
	bool stopping;			/* nothing more is due */
	uint64_t begun;			/* attempts; not the scout's failures */
	uint64_t skipped;		/* attempts that were never started */
	int64_t started;		/* the time limits count from here */
	int64_t first;			/* the first attempt was due */
	int64_t retry_at;		/* the scout's next; 0: at once */
	int64_t rested;			/* the end of --pause */
	/* Due times are later by what was skipped: see schedule.c. */
	int64_t shift;
	uint64_t cut_at;
	int64_t cut;
	int64_t ran;			/* the last schedule_skip() */
	uint64_t torn;			/* up to it, in flight in a gap */
	int64_t resumed;		/* the end of the last gap, or 0 */
};

void schedule_start(struct schedule *, const struct plan *, int64_t now);
/* An address accepts: the pace of the plan begins. */
void schedule_settle(struct schedule *, int64_t since);

/* When the next attempt is due; 0: at once. */
int64_t schedule_due(const struct schedule *);
/* Whether there will be more attempts, now or later. */
bool schedule_has_more(const struct schedule *);
/*
 * Notes that rpnc runs now, and skips what the plan has skipped. To be called
 * first whenever it runs, before it looks at what has happened meanwhile.
 */
void schedule_skip(struct schedule *);

#endif
