#ifndef SERVE_WORKER_H
#define SERVE_WORKER_H

#include <sys/types.h>

#include "base/loop.h"

/*
 * Worker processes: started in order, restarted when they die, and ended
 * together. worker.c has the states.
 */
struct workers;
struct worker {
	struct workers *all;
	int index;
	pid_t pid;			/* 0: not running */
	pid_t last_pid;			/* the process that ended last */
	int64_t started;		/* loop_now() */
	int64_t delay;			/* before the last restart, us */
	int64_t restarts;
	double cpu;			/* seconds, of its ended processes */
	struct timer again;		/* the next restart */
	bool refused;			/* fork(2) failed, and was reported */
};

struct workers {
	struct loop *loop;
	int count, running;
	int gate;			/* pipe that new workers wait at */
	int set[2];			/* pipe that ends when all are set up */
	struct worker *list;
	bool stopping;
	int64_t patience;		/* from SIGTERM to SIGKILL, us */
	struct timer kill;
	/* In the child, at once. */
	void (*on_forked)(struct workers *, int index);
	/* In the child, when all are forked; returns its exit status. */
	int (*run)(struct workers *, int index);
	/* A worker died (status: waitpid(2)); unless stopping, it restarts. */
	void (*on_death)(struct workers *, struct worker *, int status);
	/* fork(2) failed (fail_text()); it is tried again. */
	void (*on_refused)(struct workers *);
	/* After workers_stop(): none runs any more. */
	void (*on_stopped)(struct workers *);
	void *user;
};

/* Allocates count workers; the callbacks and patience are set. */
int workers_init(struct workers *, struct loop *, int count);
/*
 * Forks all workers. Each waits until workers_go(), or the parent's end. -1
 * (see fail_text()): none is left. workers_go() returns when each has called
 * workers_is_set() or has ended, or after 2 s.
 */
int workers_start(struct workers *);
void workers_go(struct workers *);
/* In the child, once others can find it. */
void workers_is_set(struct workers *);
/* On SIGCHLD. */
void workers_reap(struct workers *);
/* Sends SIGTERM to all, after patience SIGKILL; at_once: SIGKILL now. */
void workers_stop(struct workers *, bool at_once);
void workers_free(struct workers *);

#endif
