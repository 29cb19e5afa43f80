#ifndef SERVE_ACCEPT_H
#define SERVE_ACCEPT_H

#include "base/loop.h"
#include "net/backoff.h"
#include "net/congestion.h"
#include "net/sock.h"

/*
 * Accepts on all sockets of an endpoint until EAGAIN, while fewer than
 * `limit` connections are open. If descriptors have run out, or accept(2) is
 * refused, a listener rests (backoff.h), until a connection closes or the pause
 * is over.
 */
struct acceptor;
struct listener {
	struct source source;
	struct acceptor *acceptor;
	struct backoff backoff;
};

struct acceptor {
	struct loop *loop;
	struct listener at[ADDR_MAX];
	int count;
	unsigned open, limit;		/* limit 0: none */
	bool exclusive;			/* EPOLLEXCLUSIVE: one waiter wakes */
	bool paused, full;
	bool adopted;			/* the sockets are another's, too */
	bool gated;			/* what is accepted has a gate to open */
	struct congestion *congestion;	/* TCP's, or NULL */
	struct timer fullness;
	int64_t told;			/* when on_exhausted() was last called */
	/* Owns fd from now on, and calls acceptor_freed() when it is gone. */
	void (*on_accept)(struct acceptor *, int fd);
	void (*on_exhausted)(struct acceptor *);	/* see fail_text() */
	/* The limit is reached, or not nearly any more, and stays; or NULL. */
	void (*on_full)(struct acceptor *, bool full);
	void *user;
};

/* Takes over the sockets; the caller has filled in what is above. */
int acceptor_open(struct acceptor *, struct loop *, const struct sock_set *);
void acceptor_pause(struct acceptor *);
void acceptor_resume(struct acceptor *);
void acceptor_freed(struct acceptor *);
/*
 * Accepts all that is queued now, even beyond the limit, until a call fails.
 * Then acceptor_close() loses only connections that came later.
 */
void acceptor_drain(struct acceptor *);
void acceptor_close(struct acceptor *);

/* Lifts the soft limit of descriptors to the hard one. */
void raise_descriptor_limit(void);

#endif
