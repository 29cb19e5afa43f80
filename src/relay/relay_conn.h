#ifndef RELAY_RELAY_CONN_H
#define RELAY_RELAY_CONN_H

#include "net/conn.h"
#include "relay/input.h"
#include "relay/peer_gone.h"
#include "relay/ring.h"
#include "relay/zerocopy.h"

struct relay;

/* The event that ends a connection. */
enum until {
	UNTIL_BOTH,		/* both ends: the peer's and input's */
	UNTIL_PEER,		/* the peer's end; ready input is sent */
	UNTIL_INPUT,		/* input's end, once all is acknowledged */
};

/* What all connections of a relay share. */
struct relay_shared {
	enum until until;
	bool keep;		/* -k: input may also go to later connections */
	struct input in;
	struct ring ring;	/* the latest input */
	struct peer_gone peers;
};

/* A connection of a relay: what it is still owed, and how it ends. */
struct relay_conn {
	struct relay *relay;
	struct relay_shared *shared;
	struct conn *conn;
	struct timer timer;	/* idle; after input's end linger */
	struct timer ask;	/* polls the kernel: relay_conn_must_ask() */
	int64_t pause;		/* between two polls, us */
	uint64_t sent, end;	/* ring positions; end: see below */
	bool shut_due;		/* half-close when up to date */
	bool fin;		/* our FIN is sent, or in TCP's send queue */
	bool blocked;		/* out is full, so it is not read */
	bool stalled;		/* zerocopy: its socket is full, input waits */
	bool asked;		/* begin_half() has seen the peer's end */
	bool there;		/* last poll: a process has the peer's socket */
	bool gone;		/* no process has it any more */
	/* Either of these: of the ring, nothing beyond end is sent. */
	bool finishing;		/* all is sent, but not all acknowledged */
	int broken;		/* errno of a failed write */
};

struct relay_conn *relay_conn_of(const struct conn *);

/* Bytes of the ring that it is still owed; 0 if it is broken. */
uint64_t relay_conn_unsent(const struct relay_conn *);
/*
 * Largest backlog of any connection, in bytes; with most = false the smallest
 * of those that still take input, UINT64_MAX if none does.
 */
uint64_t relay_conns_unsent(const struct conn *list, bool most);
/* Whether nothing is owed to it, neither of the ring nor of conn->queue. */
bool relay_conn_is_up_to_date(const struct relay_conn *);
/* Whether it is still to be sent new input. */
bool relay_conn_takes_input(const struct relay_conn *);

/* Sets the epoll events by what can be done next. -1: see fail_text(). */
int relay_conn_watch(struct relay_conn *);

/* Sends what the socket takes now. -1: it is broken (link->broken). */
int relay_conn_send(struct relay_conn *);
/* A write failed (errno): no more is sent, but the peer is still read. -1. */
int relay_conn_break(struct relay_conn *);
/* Half-closes: sends a FIN, once. */
void relay_conn_shut(struct relay_conn *);
/* Half-closes a connection that is over: it gets no later input. */
void relay_conn_finish(struct relay_conn *);

/* Moves bytes from fd to it by zerocopy, and notes what to wait for. */
enum zerocopy_result relay_conn_pump(struct relay_conn *, struct zerocopy *,
    int fd);

/*
 * Out is full: what the peer sent stays in the kernel. EPOLLHUP can't be
 * masked, so after a hang-up the socket is not watched at all.
 */
void relay_conn_block(struct relay_conn *, bool hung_up);

/* Whether a connection that is up to date is over, by the rule of --until. */
bool relay_conn_is_over(const struct relay_conn *);
/* Whether the peer's kernel has acknowledged all, or never will. */
bool relay_conn_is_done(const struct relay_conn *);
/* After the peer's end: polls whether any process has its socket. */
void relay_conn_ask(struct relay_conn *);
/* Whether it must be polled, because no event reports what it waits for. */
bool relay_conn_must_ask(const struct relay_conn *);

/* What the peer did not get; last: it is the only one, so all input counts. */
struct loss relay_conn_loss(const struct relay_conn *, bool last);
/*
 * After the peer's end, with an error (errno, or 0) of the socket: whether
 * the peer had received all by then, so that this is an orderly end.
 */
bool relay_conn_ended_in_order(const struct relay_conn *, int error, bool last);

#endif
