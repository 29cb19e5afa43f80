#ifndef OPS_DURING_H
#define OPS_DURING_H

#include <sys/resource.h>

#include "base/child.h"
#include "probe/load/load.h"
#include "probe/stats/timeline.h"
#include "probe/who/membership_poll.h"

/* Attempts at a steady rate around a command that runs: see during.c. */
struct during {
	struct load load;
	/*
	 * The caller fills these in, and the load's callbacks except on_result.
	 */
	char *const *argv;
	struct rlimit files;		/* the command's limit: ours may be
					 * raised */
	int64_t lead, tail;		/* microseconds */
	/* The command can't be started: see fail_text(). */
	void (*on_command_fault)(struct during *);
	/* An attempt has ended; may be NULL. */
	void (*on_attempt)(struct during *, const struct attempt_result *);
	/* during.c fills in the rest. */
	struct timeline line;
	struct spawner spawner;		/* starts the command */
	struct child child;
	struct timer step, poll_timer;
	bool led, cut;			/* the lead has begun; a signal came */
	int64_t started, ended;		/* the command, clock_ns(); 0: not yet */
	struct membership_poll poll;
	int rows;			/* in the tally, at the last poll */
	int64_t resumed;		/* the schedule's, at the last result */
};

/* Begins, after load_open(). -1: no memory, descriptors or processes. */
int during_start(struct during *, struct loop *);
/* The caller calls it on SIGCHLD. */
void during_reap(struct during *);
/*
 * The caller calls it on a signal. It ends when the command has ended. pass_on:
 * the command did not get the signal itself, so it is sent to it.
 */
void during_cut(struct during *, int number, bool pass_on);
/*
 * Fills in the report at the end; struct during must outlive it, and the caller
 * frees text. -1: no memory.
 */
int during_report(struct during *, struct probe_during *out, char **text);
void during_close(struct during *);

#endif
