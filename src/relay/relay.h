#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include "base/loop.h"
#include "base/sink.h"
#include "net/conn.h"
#include "relay/relay_conn.h"
#include "relay/zerocopy.h"

struct relay;

struct relay_options {
	enum until until;
	bool crlf;		/* LF from input goes out as CRLF */
	bool no_input;		/* never read it */
	bool keep;		/* input's end means less: see relay.c */
	int64_t idle;		/* close after this much silence (us), or 0 */
	int64_t linger;		/* datagrams: end so long after input's end;
				   -1: never */
};

/* How a connection closed. */
struct relay_end {
	enum reason reason;
	int error;		/* an errno, or 0 */
	struct loss lost;	/* of input */
};

/* What relay tells; sent: data from input, and then conn is NULL. */
struct relay_ops {
	/* NULL: nobody looks, and what arrives goes to out as it is. */
	void (*on_data)(struct relay *, struct conn *, const void *data,
	    size_t length);
	/* The peer has ended, but is still sent input. */
	void (*on_half)(struct relay *, struct conn *);
	/* Just before conn is freed. */
	void (*on_closed)(struct relay *, struct conn *,
	    const struct relay_end *);
	void (*on_input_fail)(struct relay *);	/* see fail_text() */
	/* The kernel refused to send conn a datagram. Or NULL. */
	void (*on_unsent)(struct relay *, struct conn *, size_t length,
	    int error);
};

/* Input to all connections, and what they send to one sink. */
struct relay {
	struct loop *loop;
	const struct relay_options *options;
	const struct relay_ops *ops;
	struct sink *out;
	void *user;
	struct conn *conns;
	unsigned count;
	bool datagram;
	struct relay_shared shared;
	char *buffer;
	size_t room;		/* of buffer */
	struct zerocopy zerocopy_in, zerocopy_out;
};

/* Readies r to read from fd 0 and to write to out. */
int relay_init(struct relay *r, struct loop *, const struct relay_options *,
    const struct relay_ops *, struct sink *out);

/* Takes over c: bytes move both ways from now on. -1: c is still yours. */
int relay_add(struct relay *, struct conn *c);

/* Closes c as the user's wish, or all of them. */
void relay_close(struct relay *, struct conn *c, enum reason reason, int error);
void relay_close_all(struct relay *, enum reason reason);

/*
 * Sends c something that does not come from input, keeping in order; one
 * that is too far behind is closed for it. relay_shut() half-closes c once
 * that is gone.
 */
void relay_send(struct relay *, struct conn *c, const void *data,
    size_t length);
void relay_shut(struct conn *c);

/* To call when out has room again. */
void relay_resume(struct relay *);

void relay_free(struct relay *);

/*
 * The rest is between relay.c, relay_input.c and relay_end.c.
 * Reads input when a connection can take it.
 */
void relay_watch_input(struct relay *);
/* The connection that input can go to without passing through the ring. */
struct relay_conn *relay_direct(const struct relay *);
/*
 * Takes the steps that are due now that a link may be up to date: half-close,
 * or the end. Returns -1 if its connection is closed.
 */
int relay_settle(struct relay_conn *);
/* Closes for an error (errno); hung_up: after the peer's end, or 0. */
void relay_broke(struct relay *, struct conn *c, int error);
void relay_hung_up(struct relay_conn *, int error);
void relay_on_ask(struct timer *);

#endif
