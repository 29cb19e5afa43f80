/*
 * Connections: a socket of the loop with its I/O functions (struct conn_ops)
 * and a queue of bytes that the kernel did not take.
 *
 *	kind		borders	end of file	who closes it
 *	conn_stream	none	read returns 0	conn_free()
 *	conn_discard	none	read returns 0	conn_free(); reads lose the data
 *	conn_datagram	kept	none		conn_free()
 *	tls/tls_conn.h	none	read returns 0	conn_free()
 *
 * If the kernel has no buffers (ENOBUFS), epoll reports nothing when it has
 * some again: the connection is `starved`, and a timer tries again.
 */
#include "net/conn.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "net/sockopt.h"

enum {
	PAUSE_FIRST_US = 1000, PAUSE_LAST_US = 250 * 1000,
	EMPTY_A_READ = 64,		/* records: others have their turn, too */
};

const char *
reason_name(enum reason reason)
{
	static const char *const names[] = {
		[REASON_END] = "end", [REASON_RESET] = "reset",
		[REASON_TIMEOUT] = "timeout", [REASON_TOO_SLOW] = "too-slow",
		[REASON_CUT] = "cut", [REASON_LOCAL] = "local",
		[REASON_NO_HEADER] = "no-header",
		[REASON_BAD_HEADER] = "bad-header",
		[REASON_NO_TLS] = "no-tls",
		[REASON_TRUNCATED] = "truncated",
		[REASON_DENIED] = "denied",
	};

	return names[reason];
}

static ssize_t
socket_read(struct conn *c, void *room, size_t length)
{
	return recv(c->source.fd, room, length, MSG_DONTWAIT);
}

/* Discards what it reads; a TCP socket does not even copy it (tcp(7)). */
static ssize_t
socket_discard(struct conn *c, void *room, size_t length)
{
	return recv(c->source.fd, room, length, MSG_DONTWAIT | MSG_TRUNC);
}

static ssize_t
socket_write(struct conn *c, const void *data, size_t length)
{
	return send(c->source.fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/*
 * A datagram socket that was connected late may still hold datagrams that
 * others sent before: skip them.
 */
static ssize_t
datagram_read(struct conn *c, void *room, size_t length)
{
	for (;;) {
		struct addr from = { .len = sizeof(from.un) };
		ssize_t n = recvfrom(c->source.fd, room, length, MSG_DONTWAIT |
		    MSG_TRUNC, &from.sa, &from.len);

		if (n > (ssize_t)length) {
			errno = EMSGSIZE;
			return -1;
		}
		if (n < 0 || c->peer.sa.sa_family == AF_UNIX ||
		    addr_equal(&from, &c->peer))
			return n;
	}
}

/* Only a Unix datagram or record may be larger than 64 KiB. */
static size_t
datagram_pending(struct conn *c)
{
	ssize_t n = c->peer.sa.sa_family != AF_UNIX ? 0 :
	    recv(c->source.fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

	return n > 0 ? (size_t)n : 0;
}

/* After recv(2) gave 0: whether no byte can follow. */
static bool
records_have_ended(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };
	int left = 0;

	return poll(&p, 1, 0) > 0 && (ioctl(fd, FIONREAD, &left) < 0 || !left);
}

/*
 * A record that does not fit would lose its end. One without a byte is passed
 * over: recv(2) gives 0 for it, as at the end.
 */
static ssize_t
record_read(struct conn *c, void *room, size_t length)
{
	int fd = c->source.fd;
	ssize_t n = -1;

	for (int i = 0; i < EMPTY_A_READ; i++) {
		n = recv(fd, room, length, MSG_DONTWAIT | MSG_TRUNC);
		if (n || records_have_ended(fd))
			break;
		n = -1;
		errno = EAGAIN;
	}
	if (n <= (ssize_t)length)
		return n;
	errno = EMSGSIZE;
	return -1;
}

static int
socket_shut(struct conn *c)
{
	return shutdown(c->source.fd, SHUT_WR);
}

static void
on_room(struct timer *timer)
{
	struct conn *c = container_of(timer, struct conn, room);

	c->starved = false;
	c->on_event(c, EPOLLOUT);
}

static int
socket_watch(struct conn *c, uint32_t events)
{
	if (c->starved && events & EPOLLOUT) {
		c->room.on_timer = on_room;
		if (!c->room.at && loop_timer_set(c->loop, &c->room,
		    loop_now() + c->pause) < 0)
			return -1;
		events &= ~(uint32_t)EPOLLOUT;
	}
	return loop_watch(c->loop, &c->source, events);
}

static void
socket_close(struct conn *c)
{
	loop_del(c->loop, &c->source);
	close(c->source.fd);
}

const struct conn_ops conn_stream = {
	.direct = true,
	.read = socket_read,
	.write = socket_write,
	.shut = socket_shut,
	.watch = socket_watch,
	.close = socket_close,
};

const struct conn_ops conn_discard = {
	.read = socket_discard,
	.write = socket_write,
	.shut = socket_shut,
	.watch = socket_watch,
	.close = socket_close,
};

const struct conn_ops conn_seqpacket = {
	.records = true,
	.read = record_read,
	.pending = datagram_pending,
	.write = socket_write,
	.shut = socket_shut,
	.watch = socket_watch,
	.close = socket_close,
};

const struct conn_ops conn_datagram = {
	.datagram = true,
	.read = datagram_read,
	.pending = datagram_pending,
	.write = socket_write,
	.watch = socket_watch,
	.close = socket_close,
};

static void
on_source(struct source *source, uint32_t events)
{
	struct conn *c = container_of(source, struct conn, source);

	c->on_event(c, events);
}

struct conn *
conn_adopt(struct loop *l, int fd, const struct conn_ops *ops)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c) {
		fail("connection");
		return NULL;
	}
	c->source.fd = fd;
	c->source.on_event = on_source;
	c->ops = ops;
	c->loop = l;
	c->opened = c->active = loop_now();
	c->peer.len = sizeof(c->peer.un);
	if (getpeername(fd, &c->peer.sa, &c->peer.len) < 0)
		c->peer.len = 0;
	addr_trim(&c->peer);
	return c;
}

void
conn_link(struct conn *c, struct conn **list)
{
	c->next = *list;
	c->link = list;
	if (c->next)
		c->next->link = &c->next;
	*list = c;
}

void
conn_unlink(struct conn *c)
{
	if (!c->link)
		return;
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->link = NULL;
	c->next = NULL;
}

const struct addr *
conn_origin(const struct conn *c)
{
	return c->origin.len ? &c->origin : &c->peer;
}

const struct addr *
conn_proxy(const struct conn *c)
{
	return c->origin.len ? &c->peer : NULL;
}

void
conn_free(struct conn *c)
{
	loop_timer_cancel(c->loop, &c->room);
	c->ops->close(c);
	conn_unlink(c);
	free(c->queue);
	free(c);
}

int
conn_error(const struct conn *c)
{
	return sock_get_int(c->source.fd, SOL_SOCKET, SO_ERROR, 0);
}

void
conn_count(struct conn *c, size_t in, size_t out)
{
	c->in += in;
	c->out += out;
	c->active = loop_now();
	if (out) {
		c->starved = false;
		c->pause = 0;
	}
}

ssize_t
conn_read(struct conn *c, void *room, size_t length)
{
	ssize_t n = c->ops->read(c, room, length);

	if (n > 0 || (n == 0 && c->ops->datagram))
		conn_count(c, (size_t)n, 0);
	return n;
}

ssize_t
conn_write(struct conn *c, const void *data, size_t length)
{
	ssize_t n = c->ops->write(c, data, length);

	if (n > 0)
		conn_count(c, 0, (size_t)n);
	return n;
}

bool
conn_would_wait(struct conn *c)
{
	if (errno != ENOBUFS)
		return errno == EAGAIN || errno == EINTR;
	c->starved = true;
	c->pause = !c->pause ? PAUSE_FIRST_US : c->pause * 2 < PAUSE_LAST_US ?
	    c->pause * 2 : PAUSE_LAST_US;
	return true;
}

static int
conn_shut_by(struct conn *c, int (*shut)(struct conn *))
{
	int result = shut ? shut(c) : 0;

	c->shut_waits = result < 0 && errno == EAGAIN;
	return c->shut_waits ? 1 : result;
}

int
conn_shut(struct conn *c)
{
	return conn_shut_by(c, c->ops->shut);
}

int
conn_finish(struct conn *c)
{
	return conn_shut_by(c, c->ops->finish);
}

size_t
conn_pending(struct conn *c)
{
	return c->ops->pending ? c->ops->pending(c) : 0;
}

int
conn_send(struct conn *c, const void *data, size_t length)
{
	ssize_t n = 0;
	char *queue;

	if (!c->queued)
		n = conn_write(c, data, length);
	if (n < 0 && !conn_would_wait(c))
		return -1;
	if (n < 0)
		n = 0;
	length -= (size_t)n;
	if (!length)
		return 0;
	if (c->queue_start) {
		memmove(c->queue, c->queue + c->queue_start, c->queued);
		c->queue_start = 0;
	}
	queue = realloc(c->queue, c->queued + length);
	if (!queue)
		return -1;
	c->queue = queue;
	memcpy(queue + c->queued, (const char *)data + n, length);
	c->queued += length;
	return 0;
}

int
conn_flush(struct conn *c)
{
	while (c->queued) {
		ssize_t n = conn_write(c, c->queue + c->queue_start,
		    c->queued);

		if (n < 0)
			return conn_would_wait(c) ? 0 : -1;
		c->queue_start += (size_t)n;
		c->queued -= (size_t)n;
	}
	free(c->queue);
	c->queue = NULL;
	c->queue_start = 0;
	return 0;
}
