#ifndef OPS_RESCUE_H
#define OPS_RESCUE_H

#include "relay/proxy.h"
#include "serve/accept.h"

/*
 * Accepts the clients that wait in another process's queue, and connects each
 * to the same address again. The steering must give the new connection to
 * another member. Bytes are relayed both ways until both ends have ended.
 */
struct rescue;

struct rescue_ops {
	/* A client's proxy has opened, with a server; it has closed. */
	void (*on_open)(struct rescue *, const struct conn *client);
	void (*on_close)(struct rescue *, const struct conn *client,
	    enum reason);
	void (*on_idle)(struct rescue *);	/* no proxy is open */
	void (*on_fault)(struct rescue *);	/* see fail_text() */
};

struct rescue {
	struct loop *loop;
	int64_t timeout;		/* to connect (us) */
	const struct rescue_ops *ops;
	void *user;
	/* Callers may read these. */
	uint64_t rescued, failed;	/* clients; failed: without a server */
	uint64_t in, out;		/* bytes of closed proxies */
	unsigned open;			/* clients that have a proxy */
	/* rescue.c fills in the rest. */
	struct acceptor acceptor;
	struct proxy *proxies;
	struct returned *returned;
	unsigned last_id;
	int64_t reported;		/* the last fault, loop_now() */
};

/*
 * Takes ownership of the sockets; the caller has set its fields. -1: a fault.
 */
int rescue_open(struct rescue *, const struct sock_set *);
/* Whether clients or handshakes are still in the queue. */
bool rescue_is_due(const struct rescue *);
/* Accepts no more; last: first accepts those left, as no one else will. */
void rescue_stop(struct rescue *, bool last);
/* Cuts off all proxies. */
void rescue_cut(struct rescue *);

#endif
