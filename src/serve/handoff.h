#ifndef SERVE_HANDOFF_H
#define SERVE_HANDOFF_H

#include "serve/accept.h"

/*
 * One process accepts for all: each connection goes through a Unix socket to
 * the worker that has the fewest (unix(7), SCM_RIGHTS), among those that have
 * a descriptor free for it. See handoff.c.
 */
struct slot;

struct handoff_end {
	struct source source;		/* first: the parent's end */
	struct handoff *handoff;
	int taker;			/* the worker's end; both stay open */
	bool dead, blocked;		/* no process; no room in the socket */
	uint64_t given;			/* less those that died with it */
};

struct handoff {
	struct acceptor acceptor;
	struct handoff_end *ends;
	int count, last;
	int pending;			/* accepted, and nobody takes it; -1 */
	struct backoff backoff;		/* of sendmsg(2) */
	int64_t told;			/* when its failure last was */
	/* What that worker has accepted and closed, and its state, if known. */
	const struct slot *(*slot)(struct handoff *, int worker);
	void (*on_fault)(struct handoff *);	/* see fail_text() */
	void *user;
};

/* Before the workers are forked, which inherit all ends. */
int handoff_open(struct handoff *, int count);
/* The parent begins to accept. */
int handoff_start(struct handoff *, struct loop *, const struct sock_set *);
/* Its open connections are lost; those that still wait go to others. */
void handoff_died(struct handoff *, int worker);
void handoff_close(struct handoff *);

/* A worker's side. */
struct taker {
	struct source source;		/* first: its end */
	struct loop *loop;
	bool full;			/* no descriptor is free */
	struct backoff backoff;
	/* Owns fd; calls taker_freed() when that is closed. */
	void (*on_take)(struct taker *, int fd);
	/* Changes the state of the slot, where the parent looks. */
	void (*on_full)(struct taker *, bool full);
	/* The system refuses a connection's descriptor: see fail_text(). */
	void (*on_lost)(struct taker *);
};

/* In a worker: keeps its own end only, and takes from it. */
int taker_open(struct taker *, struct loop *, struct handoff *, int worker);
void taker_freed(struct taker *);
void taker_close(struct taker *);

#endif
