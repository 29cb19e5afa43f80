#ifndef SERVE_ACCEPT_H
#define SERVE_ACCEPT_H

#include "base/loop.h"
#include "net/backoff.h"
#include "net/congestion.h"
#include "net/sock.h"

/*
 * Accepts on all sockets of an endpoint, while fewer than `limit` connections
 * are open. accept.c has the states of a listener.
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
	bool paused;			/* by acceptor_pause() */
	bool full;			/* the last report to on_full() */
	bool adopted;			/* another process shares the sockets */
	bool gated;			/* accepted sockets need ungating */
	struct congestion *congestion;	/* TCP's, or NULL */
	const struct sockopts *sockopts;	/* of connections, or NULL */
	struct timer fullness;		/* a change of full must last so long */
	int64_t reported;		/* when on_exhausted() was called */
	/* Takes over fd; its user calls acceptor_freed() when it is closed. */
	void (*on_accept)(struct acceptor *, int fd);
	void (*on_exhausted)(struct acceptor *);	/* fail_text(): why */
	/* The limit is reached, or a tenth of it is free again; or NULL. */
	void (*on_full)(struct acceptor *, bool full);
	void *user;
};

/*
 * Takes over the sockets; limit, exclusive, congestion, sockopts, the callbacks
 * and user are set. -1: see fail_text().
 */
int acceptor_open(struct acceptor *, struct loop *, const struct sock_set *);
void acceptor_pause(struct acceptor *);
void acceptor_resume(struct acceptor *);
/* A connection was closed: accepts again, if that was missing. */
void acceptor_freed(struct acceptor *);
/*
 * Accepts all that is queued now, even beyond the limit, until a call fails.
 * An acceptor_close() after it loses only connections that came later.
 */
void acceptor_drain(struct acceptor *);
/* Closes the sockets, and so resets what is queued on them. */
void acceptor_close(struct acceptor *);

/* Lifts the soft limit of descriptors to the hard one. */
void raise_descriptor_limit(void);

#endif
