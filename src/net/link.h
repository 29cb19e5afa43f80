#ifndef NET_LINK_H
#define NET_LINK_H

#include "net/conn.h"
#include "net/input.h"
#include "net/path.h"
#include "net/peer_gone.h"
#include "net/ring.h"

struct relay;

/* What ends a connection. */
enum until {
	UNTIL_BOTH,		/* the peer's end and input's */
	UNTIL_PEER,		/* the peer's, after what input has by then */
	UNTIL_INPUT,		/* input's, once all of it is acknowledged */
};

/* What all connections of a relay share. */
struct link_shared {
	enum until until;
	bool keep;		/* what one does not get, others do */
	struct input in;
	struct ring ring;	/* input that not all have been sent */
	struct peer_gone peers;
};

/* A connection's part in a relay: what it is still owed, and how it ends. */
struct link {
	struct relay *relay;
	struct link_shared *shared;
	struct conn *conn;
	struct timer timer;	/* silence */
	struct timer ask;	/* asks the kernel again: link_must_ask() */
	int64_t pause;		/* between two questions */
	uint64_t sent, end;	/* positions in the ring */
	bool shut_due;		/* half-close when up to date */
	bool fin;		/* it is among what TCP has sent */
	bool blocked;		/* not read: out is full */
	bool stalled;		/* input waits for its socket's room */
	bool asked;		/* the peer has ended, and that is dealt with */
	bool there;		/* a process had the peer's socket */
	bool gone;		/* nobody has the peer's end any more */
	/* Either of these, and it has no part in the ring beyond end. */
	bool finishing;		/* all is sent: it has to be acknowledged */
	int broken;		/* errno of a failed write */
};

struct link *link_of(const struct conn *);

/* How much of the ring it is owed; a broken one nothing. */
uint64_t link_unsent(const struct link *);
/* Largest backlog of any link, or (most = false) smallest of those that
 * still take input: UINT64_MAX if none does. */
uint64_t links_unsent(const struct conn *list, bool most);
/* Whether nothing is owed to it, from the ring or else. */
bool link_is_up_to_date(const struct link *);
/* Whether input is still read for it. */
bool link_takes_input(const struct link *);

/* Waits for what can be done next: to read, to send. */
int link_watch(struct link *);

/* Sends what can be sent. Returns -1 if the link is broken by it. */
int link_send(struct link *);
/* A write failed (errno): nothing more is sent, but they are still read. */
int link_break(struct link *);
/* Tells the peer that no more will come. */
void link_shut(struct link *);
/* The same of one that is over, and gives up its part in the ring. */
void link_finish(struct link *);

/* Sends what comes on fd, by a path, and notes what to wait for. */
enum path_result link_pump(struct link *, struct path *, int fd);

/* Out is full: leaves the rest in the kernel, and a hang-up unheard. */
void link_block(struct link *, bool hung_up);

/* Whether one that is up to date has come to its end, as --until has it. */
bool link_is_over(const struct link *);
/* Whether the peer's kernel has all that was sent, or will have no more. */
bool link_is_done(const struct link *);
/* After the peer's end: looks whether anybody has its socket. */
void link_ask(struct link *);
/* Whether something will change of which no event tells. */
bool link_must_ask(const struct link *);

/* What the peer did not get; last: there is no other that could. */
struct loss link_loss(const struct link *, bool last);
/*
 * After the peer's end, with an error (errno, or 0) of the socket: whether
 * the peer had all by then, so that this is an end like any other.
 */
bool link_ended_in_order(const struct link *, int error, bool last);

#endif
