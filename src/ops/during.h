#ifndef OPS_DURING_H
#define OPS_DURING_H

#include <sys/resource.h>

#include "base/child.h"
#include "probe/load/load.h"
#include "probe/stats/timeline.h"
#include "probe/who/membership_poll.h"

/*
 * Attempts at a steady rate, before, while and after a command runs. How it
 * works is told in during.c.
 */
struct during {
	struct load load;
	/* the caller's, with the run's callbacks: all but on_result */
	char *const *argv;
	struct rlimit files;		/* what the command may open */
	int64_t lead, tail;		/* microseconds */
	/* The command can't be started; fail_text() says why. */
	void (*on_command_fault)(struct during *);
	/* the rest is during.c's */
	struct timeline line;
	struct child child;
	struct timer step, look;
	bool led, cut;			/* cut: a signal came */
	int64_t started, ended;		/* the command, clock_ns(); 0: not yet */
	struct membership_poll poll;
	int rows;			/* of the tally, at the last look */
};

/* The run is open. -1 without memory or descriptors. */
int during_start(struct during *, struct loop *);
/* On SIGCHLD. */
void during_reap(struct during *);
/*
 * A signal came, which the command has from us if it hasn't got it itself: it
 * ends when the command has ended.
 */
void during_cut(struct during *, int number, bool pass_on);
/* When all is over; text and out live as long. -1 without memory. */
int during_report(struct during *, struct probe_during *out, char **text);
void during_close(struct during *);

#endif
