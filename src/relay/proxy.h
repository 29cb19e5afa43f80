#ifndef RELAY_PROXY_H
#define RELAY_PROXY_H

#include "net/conn.h"

/*
 * Joins two streams, a client's and a server's: each gets what the other one
 * sends. A direction is as fast as its slower end, and keeps at most one piece
 * in memory.
 */
struct proxy;

struct proxy_ops {
	/* connect(2) to the server has succeeded. */
	void (*on_open)(struct proxy *);
	/* Both have ended, or one broke. The proxy is freed after this. */
	void (*on_close)(struct proxy *, enum reason, int error);
};

enum { PROXY_CLIENT, PROXY_SERVER };

struct proxy {
	struct loop *loop;
	const struct proxy_ops *ops;
	void *user;
	struct conn *side[2];
	struct timer timer;		/* limits connect(2), and the end */
	bool open;			/* connected */
	bool pair;			/* the server is a socket pair's end */
	bool deaf;			/* it takes no more */
	uint16_t port;			/* ours, to the server; the caller's */
	unsigned returns;		/* the caller's: see ops/rescue.c */
	struct proxy *next, **link;	/* in the caller's list */
};

/*
 * Takes over both descriptors. connect(2) of server is under way, and may take
 * timeout us. NULL: see fail_text(); the descriptors are still the caller's.
 */
struct proxy *proxy_new(struct loop *, int client, int server, int64_t timeout,
    const struct proxy_ops *);
/*
 * Joins a client and a program, which has the other end of a Unix socket pair;
 * takes over both. NULL: the same.
 */
struct proxy *proxy_join(struct conn *client, int pair,
    const struct proxy_ops *);
/* Ends it at once: both connections are reset. */
void proxy_cut(struct proxy *);

#endif
