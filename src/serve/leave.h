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
struct acceptor;

/* What serves datagrams. */
struct leave_datagrams {
	/* Serves some of what is queued, if it can just now. */
	void (*serve)(struct leave *);
	/* Closes the sockets. */
	void (*close)(struct leave *);
};

struct leave {
	struct timer timer;
	struct loop *loop;
	struct registry *registry;
	int slot;
	struct sock_set *set;		/* empty once they are closed */
	struct acceptor *acceptor;	/* of streams */
	const struct leave_datagrams *datagrams;	/* NULL: streams */
	const uint64_t *served;		/* connections, or datagrams, ever */
	bool ends;			/* the process ends with it */
	/* The figures are in. */
	void (*on_left)(struct leave *);
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
 * Starts to leave the groups of the sockets; what is above "How it went" is
 * filled in. The loop goes on meanwhile, and on_left() is called from it (or
 * from here).
 */
void leave_start(struct leave *);
/* Ends at once: what was attached is taken away, the sockets close. */
void leave_now(struct leave *);

/* Another process keeps the sockets, with what is queued: they just close. */
void leave_held(struct leave *);
/* Closes the sockets, and shows on the registry that they are gone. */
void leave_close(struct leave *);

/* The same for datagrams. */
void leave_udp_start(struct leave *);
void leave_udp_now(struct leave *);

#endif
