#ifndef SERVE_HANDOFF_H
#define SERVE_HANDOFF_H

#include "serve/accept.h"

/*
 * An accept model: the parent accepts, and passes each connection over a Unix
 * socket (unix(7), SCM_RIGHTS) to the worker that has the fewest. handoff.c has
 * the states.
 */
struct slot;

struct handoff_end {
	struct source source;		/* the parent's end */
	struct handoff *handoff;
	int taker;			/* the worker's end, open here too */
	bool dead, blocked;		/* no process; no room in the socket */
	uint64_t given;			/* less those that died with a worker */
};

struct handoff {
	struct acceptor acceptor;
	struct handoff_end *ends;
	int count, last;		/* workers; the last one given to */
	int pending;			/* accepted, none is ready; or -1 */
	struct backoff backoff;		/* after sendmsg(2) failed */
	int64_t reported;		/* when that was last reported */
	/* The registry slot of that worker, or NULL if it has none yet. */
	const struct slot *(*slot)(struct handoff *, int worker);
	void (*on_fault)(struct handoff *);	/* fail_text(): why */
	void *user;
};

/* Makes the socket pairs; before fork(2), because workers inherit them. */
int handoff_open(struct handoff *, int count);
/* In the parent: takes over the sockets and begins to accept. */
int handoff_start(struct handoff *, struct loop *, const struct sock_set *);
/*
 * A worker died: its open connections are lost, but those in its socket pair go
 * to other workers.
 */
void handoff_died(struct handoff *, int worker);
/* Also for one that was never opened, if the caller has set pending to -1. */
void handoff_close(struct handoff *);

/* A worker's side. */
struct taker {
	struct source source;		/* the worker's end */
	struct loop *loop;
	bool full;			/* no descriptor free, as reported */
	struct backoff backoff;
	/* Takes over fd; its user calls taker_freed() when it is closed. */
	void (*on_take)(struct taker *, int fd);
	/* Sets the state of the registry slot, which the parent reads. */
	void (*on_full)(struct taker *, bool full);
	/* The kernel dropped a connection's descriptor: see fail_text(). */
	void (*on_lost)(struct taker *);
};

/* In a worker: closes all ends but its own, and takes connections from it. */
int taker_open(struct taker *, struct loop *, struct handoff *, int worker);
/* A descriptor was closed: a full worker may have room again. */
void taker_freed(struct taker *);
void taker_close(struct taker *);

#endif
