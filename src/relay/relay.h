#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include "base/loop.h"
#include "base/sink.h"
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

struct relay_options {
	enum until until;
	bool crlf;		/* LF from input goes out as CRLF */
	bool no_input;		/* never read it */
	bool no_shutdown;	/* send no FIN when input ends */
	bool keep;		/* -k: more connections may come: relay_end.c */
	int64_t delay;		/* between two lines of input (us), or 0 */
	int64_t idle;		/* close after this much silence (us), or 0 */
	int64_t linger;		/* datagrams: us from the last datagram, or
				   input's end, to the close; -1: never */
};

/* How a connection closed. */
struct relay_end {
	enum reason reason;
	int error;		/* an errno, or 0 */
	struct loss lost;	/* input that is lost */
};

/* Callbacks; each may be NULL. */
struct relay_ops {
	/*
	 * Received from conn, or, with conn NULL, read from input. If this is
	 * NULL, received bytes go to out unchanged, and may take zerocopy.
	 */
	void (*on_data)(struct relay *, struct conn *, const void *data,
	    size_t length);
	/* The peer has half-closed: it is still sent input. */
	void (*on_half)(struct relay *, struct conn *);
	/* Just before conn is freed. */
	void (*on_closed)(struct relay *, struct conn *,
	    const struct relay_end *);
	void (*on_input_fail)(struct relay *);	/* fail_text(): why */
	/* The kernel refused to send conn a datagram: it is lost. */
	void (*on_unsent)(struct relay *, struct conn *, size_t length,
	    int error);
};

/* Sends input to all connections, and writes what they send to one sink. */
struct relay {
	struct loop *loop;
	const struct relay_options *options;
	const struct relay_ops *ops;
	struct sink *out;
	struct sink *shown;	/* where on_data() shows input, or NULL */
	void *user;
	struct conn *conns;	/* the user of each is its relay_conn */
	unsigned count;
	bool datagram, records;	/* records: borders are kept */
	struct input in;
	struct ring ring;	/* the latest input */
	struct peer_gone peers;
	char *buffer;
	size_t room;		/* the buffer's size */
	struct zerocopy zerocopy_in, zerocopy_out;
};

/* Prepares r to read from fd 0 and to write to out. -1: see fail_text(). */
int relay_init(struct relay *r, struct loop *, const struct relay_options *,
    const struct relay_ops *, struct sink *out);

/*
 * Opens what connections of TCP may need later, before the sandbox. Without it,
 * that is opened when it is needed.
 */
void relay_prepare(struct relay *);

/* Takes over c: bytes move both ways from now on. -1: c is still yours. */
int relay_add(struct relay *, struct conn *c);

/* Closes c, or all connections, and reports it by on_closed(). */
void relay_close(struct relay *, struct conn *c, enum reason reason, int error);
void relay_close_all(struct relay *, enum reason reason);

/*
 * Sends c data that does not come from input. If more than RING_SIZE would then
 * be queued for c, c is closed as too slow. relay_shut() half-closes c once all
 * of it is sent. Only for a relay with no_input: the data would come before the
 * bytes of input that c is still owed.
 */
void relay_send(struct relay *, struct conn *c, const void *data,
    size_t length);
void relay_shut(struct conn *c);

/* For the caller, when out or shown has room: what waited is read again. */
void relay_resume(struct relay *);

void relay_free(struct relay *);

#endif
