#ifndef RELAY_RELAY_INTERNAL_H
#define RELAY_RELAY_INTERNAL_H

#include "relay/relay.h"

/*
 * The three files of a relay share this: relay.c moves bytes, relay_end.c ends
 * connections, and both call relay_wait.c, which says what is waited for.
 */

/* A connection of a relay: the bytes it is still owed, and its end. */
struct relay_conn {
	struct relay *relay;
	struct conn *conn;
	struct timer timer;	/* idle; after input's end linger */
	struct timer ask;	/* polls the kernel: relay_on_ask() */
	int64_t pause;		/* between two polls, us */
	uint64_t sent, end;	/* ring positions; end: see below */
	bool shut_due;		/* half-close when up to date */
	bool fin;		/* our FIN is sent, or in TCP's send queue */
	bool blocked;		/* out is full, so it is not read */
	bool stalled;		/* zerocopy: its socket is full, input waits */
	bool asked;		/* relay_end.c has seen the peer's end */
	bool there;		/* last poll: a process has the peer's socket */
	bool vanished;		/* last poll: not listed, but there before */
	bool gone;		/* no process has it any more */
	/* If either is set, no byte of the ring beyond end is sent. */
	bool finishing;		/* all is sent, but not all acknowledged */
	int broken;		/* errno of a failed write */
};

/* relay_wait.c */

struct relay_conn *relay_conn_of(const struct conn *);
/* Whether it is still to be sent new input. */
bool relay_conn_takes_input(const struct relay_conn *);
/* Bytes of the ring that it did not get; _unsent: 0 if it is broken. */
uint64_t relay_conn_owed(const struct relay_conn *);
uint64_t relay_conn_unsent(const struct relay_conn *);
/* Whether nothing is owed to it, neither of the ring nor of conn->queue. */
bool relay_conn_is_up_to_date(const struct relay_conn *);

/* Sets the epoll events by what can be done next. -1: see fail_text(). */
int relay_conn_watch(struct relay_conn *);
/* Watches input while a connection can take more, and only then. */
void relay_watch_input(struct relay *);
/* The only connection, if input can go to it by zerocopy; or NULL. */
struct relay_conn *relay_direct(const struct relay *);

/* relay_end.c; relay_close(), too */

/*
 * Half-closes or closes a connection, if that is due now that it may be up to
 * date. Returns -1 if it is closed, and so freed.
 */
int relay_settle(struct relay_conn *);
/* Like relay_conn_watch(), but closes it on failure: else it would hang. */
int relay_conn_watch_or_close(struct relay_conn *);
/* Closes it because of error (an errno). */
void relay_broke(struct relay_conn *, int error);
/*
 * Input can't be read; fail_text(): why. After a FIN the peers would take what
 * they got for all of it, so they get a reset.
 */
void relay_input_failed(struct relay *);
/* After the peer's end its socket hung up; error: an errno, or 0. Closes. */
void relay_hung_up(struct relay_conn *, int error);
/* The timer rc->ask is due: polls the kernel. */
void relay_on_ask(struct timer *);

#endif
