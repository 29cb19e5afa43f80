#ifndef SERVE_HANDOFF_H
#define SERVE_HANDOFF_H

#include "serve/accept.h"

/*
 * One process accepts for all: each connection goes through a Unix socket to
 * the worker that has the fewest (unix(7), SCM_RIGHTS).
 */

struct handoff_end {
	struct source source;		/* first: the parent's end */
	struct handoff *handoff;
	int taker;			/* the worker's end; both stay open */
	uint64_t given;			/* less those that died with it */
};

struct handoff {
	struct acceptor acceptor;	/* first */
	struct handoff_end *ends;
	int count, last;
	int pending;			/* accepted, and nobody takes it; -1 */
	/* What that worker has accepted and closed, if it is known. */
	const struct counters *(*counters)(struct handoff *, int worker);
	void (*on_fault)(struct handoff *);	/* see fail_text() */
	void *user;
};

/* Before the workers are forked, which inherit all ends. */
int handoff_open(struct handoff *, int count);
/* The parent begins to accept. */
int handoff_start(struct handoff *, struct loop *, const struct sock_set *);
/* What it had accepted is gone with it; what it was sent waits for the next. */
void handoff_died(struct handoff *, int worker);
/* In a worker: keeps its own end only, and returns it. */
int handoff_taker(struct handoff *, int worker);
/* A connection from there; -1: none now. */
int handoff_take(int end);
void handoff_close(struct handoff *);

#endif
