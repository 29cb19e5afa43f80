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
	UNTIL_PEER,		/* the peer's end, and what input has by then */
	UNTIL_INPUT,		/* input's end, once all is acknowledged */
};

/* What all connections of a relay share. */
struct relay_shared {
	enum until until;
	bool keep;		/* input also goes to other connections */
	struct input in;
	struct ring ring;	/* input that not all have been sent */
	struct peer_gone peers;
};

/* A connection's part in a relay: what it is still owed, and how it ends. */
struct relay_conn {
	struct relay *relay;
	struct relay_shared *shared;
	struct conn *conn;
	struct timer timer;	/* silence */
	struct timer ask; /* asks the kernel again: relay_conn_must_ask() */
	int64_t pause;		/* between two questions */
	uint64_t sent, end;	/* positions in the ring */
	bool shut_due;		/* half-close when up to date */
	bool fin;		/* our FIN is in TCP's send queue, or sent */
	bool blocked;		/* not read: out is full */
	bool stalled;		/* input waits for its socket's room */
	bool asked;		/* the peer has ended, and that is dealt with */
	bool there;		/* a process had the peer's socket */
	bool gone;		/* nobody has the peer's end any more */
	/* With either of these, it is sent nothing of the ring beyond end. */
	bool finishing;		/* all is sent, not all acknowledged */
	int broken;		/* errno of a failed write */
};

struct relay_conn *relay_conn_of(const struct conn *);

/* How much of the ring it is owed; a broken one nothing. */
uint64_t relay_conn_unsent(const struct relay_conn *);
/* Largest backlog of any link, or (most = false) smallest of those that
 * still take input: UINT64_MAX if none does. */
uint64_t relay_conns_unsent(const struct conn *list, bool most);
/* Whether nothing is owed to it, from the ring or else. */
bool relay_conn_is_up_to_date(const struct relay_conn *);
/* Whether input is still read for it. */
bool relay_conn_takes_input(const struct relay_conn *);

/* Waits for what can be done next: to read, to send. */
int relay_conn_watch(struct relay_conn *);

/* Sends what can be sent. Returns -1 if the link is broken by it. */
int relay_conn_send(struct relay_conn *);
/* A write failed (errno): nothing more is sent, but they are still read. */
int relay_conn_break(struct relay_conn *);
/* Tells the peer that no more will come. */
void relay_conn_shut(struct relay_conn *);
/* The same for a connection that is over: it gets no later input. */
void relay_conn_finish(struct relay_conn *);

/* Sends what comes on fd, by a path, and notes what to wait for. */
enum zerocopy_result relay_conn_pump(struct relay_conn *, struct zerocopy *,
    int fd);

/* Out is full: leaves the rest in the kernel, and a hang-up unheard. */
void relay_conn_block(struct relay_conn *, bool hung_up);

/* Whether a link that is up to date is over, by the rule of --until. */
bool relay_conn_is_over(const struct relay_conn *);
/* Whether the peer's kernel has acknowledged all, or will not any more. */
bool relay_conn_is_done(const struct relay_conn *);
/* After the peer's end: asks whether any process has its socket. */
void relay_conn_ask(struct relay_conn *);
/* Whether a change must be polled for, since no event reports it. */
bool relay_conn_must_ask(const struct relay_conn *);

/* What the peer did not get; last: it is the only connection. */
struct loss relay_conn_loss(const struct relay_conn *, bool last);
/*
 * After the peer's end, with an error (errno, or 0) of the socket: whether
 * the peer had received all by then, so that this is an orderly end.
 */
bool relay_conn_ended_in_order(const struct relay_conn *, int error, bool last);

#endif
