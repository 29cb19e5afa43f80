/*
 * Connections through TLS. epoll reports what comes for the socket, and that is
 * not all that a reader or a writer waits for:
 *
 *	waits for	because				is told
 *	other way	a read must send, or a write	as what was asked for
 *			must receive
 *	nothing		OpenSSL has read more than it	by a timer, at once
 *			gave, perhaps only the end
 */
#include "tls/tls_conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "net/sock.h"

struct tls_conn {
	struct tls *tls;
	struct conn *conn;
	struct timer more;
	uint32_t asked;			/* the events of the last watch() */
	bool corked;
};

enum { RECORD_MAX = 16384 };		/* payload: RFC 8446, 5.1 */

/*
 * One call gives one record: reads all that have come. An end behind data is for
 * the next call.
 */
static ssize_t
conn_tls_read(struct conn *c, void *room, size_t length)
{
	struct tls *t = c->tls->tls;
	ssize_t n = tls_read(t, room, length), total = n;

	while (n > 0 && t->more && (size_t)total < length) {
		n = tls_read(t, (char *)room + total, length - (size_t)total);
		total += n > 0 ? n : 0;
	}
	c->truncated = t->truncated;
	c->why = t->why;
	return total;
}

/*
 * Each record is a write(2). While more follow, TCP_CORK lets them leave in
 * segments of full size (tcp(7)), or a sender through loopback would need a
 * sixth more time.
 */
static void
conn_cork(struct conn *c, bool cork)
{
	struct tls_conn *w = c->tls;

	if (cork != w->corked && sock_set_int(c->source.fd, IPPROTO_TCP,
	    TCP_CORK, cork) == 0)
		w->corked = cork;
}

static ssize_t
conn_tls_write(struct conn *c, const void *data, size_t length)
{
	ssize_t n;
	int error;

	if (length > RECORD_MAX)
		conn_cork(c, true);
	n = tls_write(c->tls->tls, data, length);
	error = errno;
	if (n < 0 || (size_t)n == length)
		conn_cork(c, false);
	errno = error;
	c->why = c->tls->tls->why;
	return n;
}

/* The peer is told by the close_notify; the FIN is for its kernel. */
static int
conn_tls_shut(struct conn *c)
{
	return tls_shut(c->tls->tls) < 0 ? -1 :
	    shutdown(c->source.fd, SHUT_WR);
}

static int
conn_tls_finish(struct conn *c)
{
	return tls_shut(c->tls->tls);
}

static uint64_t
conn_tls_payload(const struct conn *c, uint64_t n)
{
	return tls_payload(c->tls->tls, n, c->out);
}

static void
on_more(struct timer *timer)
{
	struct tls_conn *w = container_of(timer, struct tls_conn, more);

	w->conn->on_event(w->conn, EPOLLIN);
}

static int
conn_tls_watch(struct conn *c, uint32_t asked)
{
	struct tls_conn *w = c->tls;

	w->asked = asked;
	if (!(asked & EPOLLIN) || !w->tls->more)
		loop_timer_cancel(c->loop, &w->more);
	else if (loop_timer_set(c->loop, &w->more, loop_now()) < 0)
		return -1;
	return loop_watch(c->loop, &c->source, tls_events(w->tls, asked));
}

static void
on_tls_source(struct source *source, uint32_t events)
{
	struct conn *c = container_of(source, struct conn, source);

	c->on_event(c, tls_events_meant(c->tls->tls, c->tls->asked, events));
}

static void
conn_tls_close(struct conn *c)
{
	struct tls_conn *w = c->tls;

	loop_timer_cancel(c->loop, &w->more);
	loop_del(c->loop, &c->source);
	close(c->source.fd);
	tls_free(w->tls);
	free(w);
}

static const struct conn_ops conn_tls = {
	.read = conn_tls_read,
	.write = conn_tls_write,
	.shut = conn_tls_shut,
	.finish = conn_tls_finish,
	.payload = conn_tls_payload,
	.watch = conn_tls_watch,
	.close = conn_tls_close,
};

int
tls_conn_wrap(struct conn *c, struct tls *t)
{
	struct tls_conn *w = calloc(1, sizeof(*w));

	if (!w)
		return fail("TLS");
	w->tls = t;
	w->conn = c;
	w->more.on_timer = on_more;
	c->tls = w;
	c->ops = &conn_tls;
	c->source.on_event = on_tls_source;
	return 0;
}

const struct tls *
tls_of(const struct conn *c)
{
	return c->tls ? c->tls->tls : NULL;
}
