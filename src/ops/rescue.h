#ifndef OPS_RESCUE_H
#define OPS_RESCUE_H

#include "relay/proxy.h"
#include "serve/accept.h"

/*
 * Clients that wait in another process's queue are accepted in its place, and
 * each is connected to the same address again, where somebody else has to be
 * by then: bytes go both ways until they end.
 */
struct rescue;

struct rescue_ops {
	/* The client has got a server, or is done with it. */
	void (*on_open)(struct rescue *, const struct conn *client);
	void (*on_close)(struct rescue *, const struct conn *client,
	    enum reason);
	void (*on_idle)(struct rescue *);	/* none is open any more */
	void (*on_fault)(struct rescue *);	/* see fail_text() */
};

struct rescue {
	struct loop *loop;
	int64_t timeout;		/* to connect (us) */
	const struct rescue_ops *ops;
	void *user;
	/* How it goes. */
	uint64_t rescued, failed;	/* clients; failed: none for them */
	uint64_t in, out;		/* bytes, of those that are done */
	unsigned open;
	/* Inside. */
	struct acceptor acceptor;
	struct proxy *pairs;
	unsigned last_id;
	int64_t reported;		/* the last fault, loop_now() */
};

/* Takes over the sockets; the caller has filled in what is above. */
int rescue_open(struct rescue *, const struct sock_set *);
/* Whether clients, or handshakes, are left to take. */
bool rescue_is_due(const struct rescue *);
/* Takes no more clients; last: there is nobody else who could. */
void rescue_stop(struct rescue *, bool last);
/* Cuts those off that are open. */
void rescue_cut(struct rescue *);

#endif
