#ifndef RELAY_PROXY_H
#define RELAY_PROXY_H

#include "net/conn.h"

/*
 * Two streams, each of which gets what the other one sends: what a proxy
 * makes of a client and a server. Each direction goes at the pace of its
 * slower end, and keeps at most one piece in memory.
 */
struct pair;

struct pair_ops {
	/* The server has answered. */
	void (*on_open)(struct pair *);
	/* Both have ended, or one broke: the pair is freed next. */
	void (*on_close)(struct pair *, enum reason, int error);
};

enum { PAIR_CLIENT, PAIR_SERVER };

struct pair {
	struct loop *loop;
	const struct pair_ops *ops;
	void *user;
	struct conn *side[2];
	struct timer timer;		/* while it connects */
	bool open;
	uint16_t port;			/* that the server sees, for its keeper */
	struct pair *next, **link;	/* in its keeper's list */
};

/*
 * Takes over both descriptors; server is one whose connect(2) is under way,
 * and may take so long (us). NULL with a fault: they are still the caller's.
 */
struct pair *pair_new(struct loop *, int client, int server, int64_t timeout,
    const struct pair_ops *);
/* Ends it at once: both ends are reset. */
void pair_cut(struct pair *);

#endif
