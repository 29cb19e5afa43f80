#ifndef SERVE_LEAVE_H
#define SERVE_LEAVE_H

#include "base/loop.h"
#include "group/registry/registry.h"
#include "kernel/sock_diag.h"
#include "net/sock.h"

/*
 * Leaving a reuseport group without losing a connection: see leave.c, and for
 * datagrams leave_udp.c.
 */

enum leave_mode {
	LEAVE_AUTO, LEAVE_STEER, LEAVE_GATE, LEAVE_DRAIN, LEAVE_CLOSE,
	LEAVE_CONNECT,			/* datagrams: for the first three */
};
const char *leave_name(enum leave_mode);

struct leave;

/* What the leaver does for us. */
struct leave_ops {
	/* Accepts until EAGAIN; of datagrams serves what it can just now. */
	void (*accept_all)(struct leave *);
	/* How many were ever accepted; of datagrams: read. */
	uint64_t (*accepted)(struct leave *);
	/* What is accepted from now on may have inherited a gate: open it. */
	void (*on_gate)(struct leave *);
	/* Closes the sockets. */
	void (*close_all)(struct leave *);
	/* It is done: the figures are in. */
	void (*on_left)(struct leave *);
};

struct leave {
	struct timer timer;
	struct loop *loop;
	struct registry *registry;
	const struct sock_set *set;
	const struct leave_ops *ops;
	enum leave_mode wish;		/* --leave */
	const char *held;		/* who has the sockets, too; NULL: none */
	/* How it went. */
	enum leave_mode mode;
	const char *why;		/* not what was wished, or NULL */
	int queued, handshakes, lost;	/* -1: there is no such thing */
	int64_t began, limit;		/* loop_now() */
	bool active, locked, steered, gated;
	/* Inside. */
	void (*step)(struct leave *);
	struct sock_diag *diag;
	int members[ADDR_MAX];		/* of each socket's group */
	int64_t counted;
	uint64_t before;
};

/*
 * Starts to leave; what is above "How it went" is filled in. The loop goes
 * on meanwhile, and on_left() is called from it (or from here).
 */
void leave_start(struct leave *);
/* Ends at once: what was attached is taken away, the sockets close. */
void leave_now(struct leave *);

/* Somebody else keeps the sockets, with what is queued: they just close. */
void leave_held(struct leave *);

/* The same for datagrams. */
void leave_datagram_start(struct leave *);
void leave_datagram_now(struct leave *);

#endif
