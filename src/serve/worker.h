#ifndef SERVE_WORKER_H
#define SERVE_WORKER_H

#include <sys/types.h>

#include "base/loop.h"

/*
 * Worker processes: started in order, started again when they die (after a
 * pause that doubles while they die young), and ended together.
 */
struct workers;
struct worker {
	struct workers *all;
	int index;
	pid_t pid;			/* 0: not running */
	pid_t last_pid;
	int64_t started, delay, restarts;
	double cpu;			/* seconds, of those that ended */
	struct timer again;
	bool refused;			/* fork(2) failed, and was reported */
};

struct workers {
	struct loop *loop;
	int count, running;
	int gate;			/* open: the first ones wait for it */
	struct worker *list;
	bool stopping;
	int64_t patience;		/* from SIGTERM to SIGKILL, us */
	struct timer kill;
	/* The child: its exit status. Its descriptors are the parent's. */
	int (*run)(struct workers *, int index);
	/* One died by itself (a wait status) and will be started again. */
	void (*on_death)(struct workers *, struct worker *, int status);
	/* It can't be, for now: fail_text() says why. */
	void (*on_refused)(struct workers *);
	void (*on_stopped)(struct workers *);
	void *user;
};

/* Makes room for count workers; the callbacks are filled in. */
int workers_init(struct workers *, struct loop *, int count);
/*
 * Starts all of them, to wait until workers_go() or the parent's end. Where
 * that fails, none is left.
 */
int workers_start(struct workers *);
void workers_go(struct workers *);
/* On SIGCHLD. */
void workers_reap(struct workers *);
/* SIGTERM for all, SIGKILL for what is left after a while, or at once. */
void workers_stop(struct workers *, bool at_once);
void workers_free(struct workers *);

#endif
