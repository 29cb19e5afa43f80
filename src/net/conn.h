#ifndef NET_CONN_H
#define NET_CONN_H

#include <sys/types.h>

#include "base/loop.h"
#include "net/addr.h"

/* A source that one can read and write: one peer's bytes. */

struct conn;

/* The I/O functions of a kind of connection. */
struct conn_ops {
	bool datagram;		/* borders are kept; 0 bytes are no end */
	bool direct;		/* the descriptor's bytes are the peer's */
	/* Like recv(2) and send(2), but never block; reading 0 is the end. */
	ssize_t (*read)(struct conn *, void *room, size_t length);
	ssize_t (*write)(struct conn *, const void *data, size_t length);
	/* Datagrams: the size of the next, if it may be large. Or NULL. */
	size_t (*pending)(struct conn *);
	/* Tells the peer that no more will come. */
	int (*shut)(struct conn *);
	int (*watch)(struct conn *, uint32_t events);
	void (*close)(struct conn *);
};

extern const struct conn_ops conn_stream;	/* TCP, Unix stream */
extern const struct conn_ops conn_discard;	/* what is read is lost */
extern const struct conn_ops conn_datagram;	/* a connected socket */

/* Why a connection closed, as events say it. */
enum reason {
	REASON_END, REASON_RESET, REASON_TIMEOUT, REASON_TOO_SLOW,
	REASON_CUT, REASON_LOCAL,
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
	int64_t opened, active;		/* loop_now() */
	uint64_t in, out;		/* bytes */
	bool read_ended, write_ended;	/* they said so; we said so */
	/* Bytes that write() did not take: see conn_send(). */
	char *queue;
	size_t queued, queue_start;
	struct pipe *pipe;		/* while it holds what peer is to get */
	bool starved;			/* the kernel has no buffers: */
	int64_t pause;			/* it is asked again after that */
	struct timer room;
	bool bulk;			/* a lot comes at a time: pipe_pool.h */
	char tail[3];			/* of a character not whole yet */
	unsigned char tail_length;
	struct conn *next, **link;	/* in its keeper's list */
};

/* Takes over fd; fills in the peer. NULL: out of memory, fd is kept. */
struct conn *conn_adopt(struct loop *, int fd, const struct conn_ops *);

/* Closes the descriptor, unlinks and frees c. */
void conn_free(struct conn *c);

void conn_link(struct conn *c, struct conn **list);

/* SO_ERROR: an errno or 0; the kernel reports it once. */
int conn_error(const struct conn *);

/* Counts what passed by other means. */
void conn_count(struct conn *, size_t in, size_t out);

/* Counts what passes; else as the ops. */
ssize_t conn_read(struct conn *, void *room, size_t length);
ssize_t conn_write(struct conn *, const void *data, size_t length);

/*
 * Writes now, keeps what is left and writes it when conn_flush() is called
 * on EPOLLOUT. -1: broken.
 */
int conn_send(struct conn *, const void *data, size_t length);
int conn_flush(struct conn *);
/*
 * Whether errno says that a write may work later. For ENOBUFS epoll gives no
 * event: then watch() waits for a pause that grows.
 */
bool conn_would_wait(struct conn *);
/* The size of the next datagram, or 0 if all are small. */
size_t conn_pending(struct conn *);

#endif
