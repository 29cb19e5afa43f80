#ifndef RELAY_PROXY_H
#define RELAY_PROXY_H

#include "net/conn.h"

/*
 * Two streams, each of which gets what the other one sends: what a proxy
 * makes of a client and a server. Each direction goes at the pace of its
 * slower end, and keeps at most one piece in memory.
 */
struct proxy;

struct proxy_ops {
	/* The server has answered. */
	void (*on_open)(struct proxy *);
	/* Both have ended, or one broke: the pair is freed next. */
	void (*on_close)(struct proxy *, enum reason, int error);
};

enum { PAIR_CLIENT, PAIR_SERVER };

struct proxy {
	struct loop *loop;
	const struct proxy_ops *ops;
	void *user;
	struct conn *side[2];
	struct timer timer;		/* while it connects */
	bool open;
	uint16_t port;			/* that the server sees, for its keeper */
	struct proxy *next, **link;	/* in its keeper's list */
};

/*
 * Takes over both descriptors; server is one whose connect(2) is under way,
 * and may take so long (us). NULL with a fault: they are still the caller's.
 */
struct proxy *proxy_new(struct loop *, int client, int server, int64_t timeout,
    const struct proxy_ops *);
/* Ends it at once: both ends are reset. */
void proxy_cut(struct proxy *);

#endif
