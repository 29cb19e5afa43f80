#ifndef NET_CONN_H
#define NET_CONN_H

#include <sys/types.h>

#include "base/loop.h"
#include "net/addr.h"

/* A connection: a source of the loop that reads and writes one peer's bytes. */

struct conn;

/* The I/O functions of a kind of connection. */
struct conn_ops {
	bool datagram;		/* keeps borders; 0 bytes are no end */
	bool records;		/* keeps borders; 0 bytes are the end */
	bool direct;		/* read(2) on the fd gives the peer's bytes */
	/* Like recv(2) and send(2), but never block; reading 0 is the end. */
	ssize_t (*read)(struct conn *, void *room, size_t length);
	ssize_t (*write)(struct conn *, const void *data, size_t length);
	/* Datagrams: the size of the next, if it can be large. May be NULL. */
	size_t (*pending)(struct conn *);
	/* Tells the peer that no more will come. Datagrams: NULL. */
	int (*shut)(struct conn *);
	/* The same, just before close(2), if that alone is not enough; or NULL. */
	int (*finish)(struct conn *);
	/*
	 * Of n bytes that TCP has not delivered, how many are payload, at least.
	 * NULL: all are.
	 */
	uint64_t (*payload)(const struct conn *, uint64_t n);
	int (*watch)(struct conn *, uint32_t events);
	void (*close)(struct conn *);
};

extern const struct conn_ops conn_stream;	/* TCP, Unix stream */
extern const struct conn_ops conn_discard;	/* discards what it reads */
extern const struct conn_ops conn_seqpacket;	/* Unix, with records */
extern const struct conn_ops conn_datagram;	/* a connected socket */

/* Why a connection closed; events name it. */
enum reason {
	REASON_END, REASON_RESET, REASON_TIMEOUT, REASON_TOO_SLOW,
	REASON_CUT, REASON_LOCAL,
	REASON_NO_HEADER, REASON_BAD_HEADER,	/* the PROXY header */
	REASON_NO_TLS,				/* the handshake has failed */
	REASON_TRUNCATED,			/* TLS ended unannounced */
	REASON_DENIED,				/* serve/admission.h */
};
const char *reason_name(enum reason);

struct conn {
	struct source source;		/* first: a conn is a source */
	const struct conn_ops *ops;
	struct loop *loop;
	void (*on_event)(struct conn *, uint32_t events);
	void *user;
	unsigned id;			/* from 1 */
	struct addr peer;
	struct addr origin;		/* by a PROXY header, or len 0 */
	struct source_count *counted;	/* serve/admission.h; or NULL */
	bool denied;			/* never served: one of many, perhaps */
	int64_t opened, active;		/* loop_now() */
	uint64_t in, out;		/* bytes */
	bool read_ended, write_ended;	/* by the peer; by us */
	bool truncated;			/* the peer's end is no orderly one */
	bool shut_waits;		/* shut() or finish() wants room */
	const char *why;		/* EPROTO: the words for it, or NULL */
	struct tls_conn *tls;		/* NULL: bytes go as they are */
	/* Bytes that write() did not take: see conn_send(). */
	char *queue;
	size_t queued, queue_start;
	struct pipe *pipe;		/* while it holds bytes for the peer */
	bool starved;			/* the kernel has no buffers; */
	int64_t pause;			/* the next try is after this */
	struct timer room;
	bool bulk;			/* much data at a time: pipe_pool.h */
	char tail[3];			/* the start of a split character */
	unsigned char tail_length;
	struct conn *next, **link;	/* in its owner's list */
};

/* Takes ownership of fd; fills in the peer. NULL: no memory, fd stays open. */
struct conn *conn_adopt(struct loop *, int fd, const struct conn_ops *);

/* Closes the descriptor, unlinks and frees c. */
void conn_free(struct conn *c);

/* Adds c to its owner's list, or removes it; to remove it twice is harmless. */
void conn_link(struct conn *c, struct conn **list);
void conn_unlink(struct conn *c);

/* The client's address: from the PROXY header, else the peer's. */
const struct addr *conn_origin(const struct conn *);
/* The proxy that sent the header, or NULL. */
const struct addr *conn_proxy(const struct conn *);

/* SO_ERROR: an errno or 0; the kernel reports it once. */
int conn_error(const struct conn *);

/* Counts bytes that passed outside conn_read() and conn_write(). */
void conn_count(struct conn *, size_t in, size_t out);

/* Like the ops' functions, and count the bytes. */
ssize_t conn_read(struct conn *, void *room, size_t length);
ssize_t conn_write(struct conn *, const void *data, size_t length);

/*
 * conn_send() writes what it can now and queues the rest; the owner calls
 * conn_flush() on EPOLLOUT. -1: the connection is broken.
 */
int conn_send(struct conn *, const void *data, size_t length);
int conn_flush(struct conn *);
/*
 * Whether errno says that a write may work later. For ENOBUFS epoll reports
 * nothing: watch() then waits for a pause that grows.
 */
bool conn_would_wait(struct conn *);
/*
 * Like the ops' functions. 1: there is no room for it, so call it again on
 * EPOLLOUT; -1: it can't be sent.
 */
int conn_shut(struct conn *);
int conn_finish(struct conn *);
/* The size of the next datagram, or 0 if all are small. */
size_t conn_pending(struct conn *);

#endif
