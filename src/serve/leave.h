#ifndef SERVE_LEAVE_H
#define SERVE_LEAVE_H

#include "base/loop.h"
#include "group/registry/registry.h"
#include "kernel/sock_diag.h"
#include "net/sock.h"

/*
 * Leaves a reuseport group without losing a connection. leave.c has the steps,
 * leave_udp.c those for datagrams.
 */

enum leave_mode {
	LEAVE_AUTO, LEAVE_STEER, LEAVE_GATE, LEAVE_DRAIN, LEAVE_CLOSE,
	LEAVE_CONNECT,			/* datagrams: not steer or gate */
};
const char *leave_name(enum leave_mode);

struct leave;
struct acceptor;

/* Callbacks of a datagram server. */
struct leave_datagrams {
	/* Answers some queued datagrams, if it can do so now. */
	void (*serve)(struct leave *);
	/* Closes the sockets. */
	void (*close)(struct leave *);
};

struct leave {
	struct timer timer;
	struct loop *loop;
	struct registry *registry;
	int slot;
	struct sock_set *set;		/* to close; then its count is 0 */
	struct acceptor *acceptor;	/* for streams */
	const struct leave_datagrams *datagrams;	/* NULL: streams */
	const uint64_t *served;		/* connections, or datagrams, so far */
	bool ends;			/* the process ends after it */
	/* The sockets are closed, and the results below are set. */
	void (*on_left)(struct leave *);
	enum leave_mode asked;		/* --leave */
	const char *held;		/* a process shares them; or NULL */
	/* Results. */
	enum leave_mode mode;
	const char *why;		/* why mode is not as asked; or NULL */
	int queued;			/* served since it began; -1: not known */
	int handshakes;			/* half-open at first; -1: datagrams */
	int lost;			/* reset by the close, or discarded */
	int64_t began, limit;		/* loop_now(); limit: ends the step */
	/* Private: how far it got. */
	bool active, locked, steered, gated;
	void (*step)(struct leave *);
	struct sock_diag *diag;
	int members[ADDR_MAX];		/* size of each socket's group */
	int64_t counted;		/* when members was */
	uint64_t before;		/* *served when it began */
};

/*
 * Starts to leave the groups of the sockets; the fields above "Results" are
 * set. Calls on_left() when it is done, from the loop or before it returns.
 */
void leave_start(struct leave *);
/* Ends it at once: detaches its programs and closes the sockets. */
void leave_now(struct leave *);

/*
 * How each leave begins; step is its timer's. false: it is over already, because
 * another process keeps the sockets.
 */
bool leave_begin(struct leave *, void (*step)(struct timer *));
/* Closes the sockets, and sets the state of the registry slot. */
void leave_close(struct leave *);

/* leave_start() and leave_now() for datagrams. */
void leave_udp_start(struct leave *);
void leave_udp_now(struct leave *);

#endif
