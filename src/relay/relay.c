/*
 * How it works. Input is read into one ring that all connections share; each
 * has a position in it, and what lies between that and the head is unsent.
 * Input is read only while the fastest connection is nearly up to date, so
 * that a producer is never ahead of everybody; one that falls a whole ring
 * behind the head is closed as too slow. With a single connection that is
 * plain flow control, and with many the memory stays one ring.
 *
 * relay_end.c has how a connection ends.
 *
 * The short way. Where nobody has to look at the bytes, the kernel moves them
 * itself (zerocopy.h): what arrives always, input while there is one connection
 * that is owed nothing, so that the ring plays no part. If then the socket is
 * full, the link is `stalled`: its room is waited for and not the input. Any
 * other connection, or a descriptor that is unfit for it, brings back the ring.
 *
 * Datagrams: the ring holds one record at a time, and is read when all have
 * sent the last.
 */
#include "relay/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"

enum {
	PIECE = 256 * 1024,	/* one read */
	RECORD = 16 * 1024,	/* one datagram of input */
	DATAGRAMS_A_WAKE = 64,
};

static void
close_too_slow(struct relay *r, size_t length)
{
	struct conn *c, *next;

	for (c = r->conns; c; c = next) {
		next = c->next;
		if (relay_conn_unsent(relay_conn_of(c)) + length > RING_SIZE)
			relay_close(r, c, REASON_TOO_SLOW, 0);
	}
}

/*
 * A datagram can't be sent (link->broken): it is lost, and reported. Returns -1
 * if c is gone: nobody listens for datagrams there.
 */
static int
lose(struct relay_conn *link, size_t length)
{
	struct relay *r = link->relay;
	int error = link->broken;

	if (error == ECONNREFUSED) {
		relay_broke(r, link->conn, error);
		return -1;
	}
	link->broken = 0;
	if (r->ops->on_unsent)
		r->ops->on_unsent(r, link->conn, length, error);
	return 0;
}

/* Sends what can be sent. Returns -1 if c is gone. */
static int
push(struct relay_conn *link)
{
	uint64_t queued = link->conn->queued;
	uint64_t length = link->shared->ring.head - link->sent;

	if (relay_conn_send(link) == 0 || !link->relay->datagram)
		return 0;
	if (queued) {
		link->conn->queued = 0;
		return lose(link, queued) < 0 ? -1 : push(link);
	}
	link->sent += length;
	return lose(link, length);
}

/* Serves all connections after the head moved or input ended. */
static void
serve_all(struct relay *r)
{
	struct conn *c, *next;

	for (c = r->conns; c; c = next) {
		next = c->next;
		if (push(relay_conn_of(c)) == 0)
			relay_settle(relay_conn_of(c));
	}
	relay_watch_input(r);
}

static bool
lingers(const struct relay *r)
{
	return r->datagram && r->shared.in.ended && r->options->linger >= 0;
}

static void
input_ended(struct relay *r)
{
	r->shared.in.ended = true;
	r->shared.in.end_time = loop_now();
	loop_del(r->loop, &r->shared.in.source);
	for (struct conn *c = r->conns; c; c = c->next) {
		struct relay_conn *link = relay_conn_of(c);

		link->shut_due = !r->options->keep || r->shared.in.gave;
		if (lingers(r))
			loop_timer_set(r->loop, &link->timer,
			    r->shared.in.end_time + r->options->linger);
	}
	serve_all(r);
}

static void
rewind_ring(struct relay *r)
{
	r->shared.ring.head = 0;
	for (struct conn *c = r->conns; c; c = c->next)
		relay_conn_of(c)->sent = 0;
}

/* Moves input straight to the connection. Returns -1 if that is gone. */
static int
pump(struct relay_conn *link)
{
	struct relay *r = link->relay;
	enum zerocopy_result result;

	if (!relay_direct(r) || !relay_conn_is_up_to_date(link)) {
		link->stalled = false;	/* the ring's turn */
		return 0;
	}
	result = relay_conn_pump(link, &r->zerocopy_in, r->shared.in.source.fd);
	r->shared.in.gave |= result == ZEROCOPY_MOVED;
	if (result == ZEROCOPY_END)
		input_ended(r);
	return r->count ? 0 : -1;
}

/* Into the ring, for all. */
static void
read_input(struct relay *r)
{
	size_t most = r->datagram ? RECORD : r->options->crlf ? PIECE / 2 :
	    PIECE;
	ssize_t n = read(r->shared.in.source.fd, r->buffer, most);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 && errno != EIO) {
		fail("stdin");
		if (r->ops->on_input_fail)
			r->ops->on_input_fail(r);
	}
	if (n <= 0) {
		input_ended(r);
		return;
	}
	r->shared.in.gave = true;
	if (r->ops->on_data)
		r->ops->on_data(r, NULL, r->buffer, (size_t)n);
	if (r->datagram)
		rewind_ring(r);
	close_too_slow(r, r->options->crlf ? (size_t)n * 2 : (size_t)n);
	if (r->options->crlf)
		ring_add_crlf(&r->shared.ring, r->buffer, (size_t)n);
	else
		ring_add(&r->shared.ring, r->buffer, (size_t)n);
	serve_all(r);
}

static void
on_input(struct source *source, uint32_t events)
{
	struct relay *r = container_of(source, struct relay, shared.in.source);
	struct relay_conn *only = relay_direct(r);

	(void)events;
	if (!only || !relay_conn_is_up_to_date(only)) {
		read_input(r);
		return;
	}
	if (pump(only) == 0)
		relay_settle(only);
	relay_watch_input(r);
}

/* A datagram is read whole, however large. */
static void
make_room(struct relay *r, size_t length)
{
	char *buffer;

	if (length <= r->room)
		return;
	buffer = realloc(r->buffer, length);
	if (!buffer)
		return;		/* its reader says EMSGSIZE */
	r->buffer = buffer;
	r->room = length;
}

/* Reads once: 1 if there was something, -1 if the connection is gone. */
static int
read_once(struct relay_conn *link)
{
	struct relay *r = link->relay;
	struct conn *c = link->conn;
	ssize_t n;

	make_room(r, conn_pending(c));
	n = conn_read(c, r->buffer, r->room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0) {
		relay_broke(r, c, errno);
		return -1;
	}
	if (n == 0 && !c->ops->datagram) {
		c->read_ended = true;
		return 0;
	}
	if (r->ops->on_data)
		r->ops->on_data(r, c, r->buffer, (size_t)n);
	else
		sink_write(r->out, r->buffer, (size_t)n);
	return 1;
}

/* Moves what they sent straight to out: as read_some(). */
static int
pass_on(struct relay_conn *link, bool hung_up)
{
	struct relay *r = link->relay;

	switch (zerocopy_out(&r->zerocopy_out, link->conn, r->out->source.fd)) {
	case ZEROCOPY_END:
		link->conn->read_ended = true;
		return 0;
	case ZEROCOPY_URGENT:
		return read_once(link);
	case ZEROCOPY_FULL:
		sink_wait(r->out);
		relay_conn_block(link, hung_up);
		return -1;
	case ZEROCOPY_CONN_FAILED:
		relay_broke(r, link->conn, errno);
		return -1;
	default:
		return 0;
	}
}

/*
 * As read_once(), but of datagrams what has come, which is then written at
 * once.
 */
static int
read_some(struct relay_conn *link)
{
	struct sink *out = link->relay->out;
	int n, left = DATAGRAMS_A_WAKE;

	if (!link->conn->ops->datagram)
		return read_once(link);
	sink_cork(out);
	do
		n = read_once(link);
	while (n > 0 && --left);
	sink_uncork(out);
	return n;
}

static void
on_conn(struct conn *c, uint32_t events)
{
	struct relay_conn *link = relay_conn_of(c);
	struct relay *r = link->relay;
	bool hung_up = events & (EPOLLERR | EPOLLHUP);

	if (!relay_conn_is_up_to_date(link) && (events & EPOLLOUT || hung_up) &&
	    push(link) < 0)
		return;
	if (link->stalled && (events & EPOLLOUT || hung_up) && pump(link) < 0)
		return;
	if (c->read_ended && hung_up) {
		relay_hung_up(link, link->broken ? link->broken : conn_error(c));
		return;
	}
	if (!c->read_ended && (events & EPOLLIN || hung_up)) {
		if (sink_full(r->out)) {
			relay_conn_block(link, hung_up);
			return;
		}
		if ((r->zerocopy_out.kind == ZEROCOPY_BUFFER || !c->ops->direct
			    ? read_some(link)
			    : pass_on(link, hung_up)) < 0)
			return;
	}
	if (relay_settle(link) == 0 && !r->shared.in.source.watched)
		relay_watch_input(r);
}

static void
on_timer(struct timer *timer)
{
	struct relay_conn *link = container_of(timer, struct relay_conn, timer);
	struct relay *r = link->relay;
	struct conn *c = link->conn;
	bool last = lingers(r);
	int64_t limit = last ? r->options->linger : r->options->idle;
	int64_t since = c->active;

	if (last && r->shared.in.end_time > since)
		since = r->shared.in.end_time;
	if (link->blocked)
		since = loop_now();	/* it is not the peer that is silent */
	if (loop_now() < since + limit)
		loop_timer_set(r->loop, timer, since + limit);
	else if (last)
		relay_close(r, c, REASON_END, 0);
	else
		relay_close(r, c, REASON_TIMEOUT, 0);
}

int
relay_init(struct relay *r, struct loop *l, const struct relay_options *options,
    const struct relay_ops *ops, struct sink *out)
{
	*r = (struct relay){ .loop = l, .options = options, .ops = ops,
	    .out = out };
	r->shared.in.source.fd = STDIN_FILENO;
	r->shared.in.source.on_event = on_input;
	r->shared.in.none = options->no_input;
	r->shared.in.terminal = isatty(STDIN_FILENO);
	r->shared.until = options->until;
	r->shared.keep = options->keep;
	if (!ops->on_data && !options->crlf && !options->no_input)
		r->zerocopy_in = zerocopy_from(r->shared.in.source.fd);
	if (!ops->on_data)
		r->zerocopy_out = zerocopy_to(out->source.fd);
	r->room = PIECE;
	r->buffer = malloc(r->room);
	return r->buffer ? ring_open(&r->shared.ring) : fail("buffer");
}

int
relay_add(struct relay *r, struct conn *c)
{
	struct relay_conn *link = calloc(1, sizeof(*link));

	if (!link)
		return fail("connection");
	link->relay = r;
	link->shared = &r->shared;
	link->conn = c;
	link->sent = r->shared.ring.head;
	link->timer.on_timer = on_timer;
	link->ask.on_timer = relay_on_ask;
	link->shut_due = r->shared.in.ended && !r->options->keep;
	r->datagram = c->ops->datagram;
	c->user = link;
	c->on_event = on_conn;
	if (relay_conn_watch(link) < 0 ||
	    (r->options->idle &&
		loop_timer_set(r->loop, &link->timer,
		    loop_now() + r->options->idle) < 0)) {
		free(link);
		return -1;
	}
	conn_link(c, &r->conns);
	r->count++;
	/* not now, as it could close what the caller has just opened */
	if (r->shared.in.ended)
		loop_timer_set(r->loop, &link->ask, loop_now());
	relay_watch_input(r);
	return 0;
}

/* Bypasses the ring; datagrams stay separate. Returns -1 if c is gone. */
static int
send_now(struct relay_conn *link, const void *data, size_t length)
{
	struct conn *c = link->conn;

	if (!link->relay->datagram) {
		if (conn_send(c, data, length) < 0)
			relay_conn_break(link);
		return 0;
	}
	if (c->queued && push(link) < 0)
		return -1;
	if (!c->queued && conn_send(c, data, length) == 0)
		return 0;
	link->broken = c->queued ? EAGAIN : errno;
	return lose(link, length);
}

void
relay_send(struct relay *r, struct conn *c, const void *data, size_t length)
{
	struct relay_conn *link = relay_conn_of(c);

	if (link->broken)
		return;
	if (c->queued + length > RING_SIZE) {
		relay_close(r, c, REASON_TOO_SLOW, 0);
		return;
	}
	if (send_now(link, data, length) == 0)
		relay_settle(link);
}

void
relay_shut(struct conn *c)
{
	relay_conn_of(c)->shut_due = true;
	relay_settle(relay_conn_of(c));
}

void
relay_resume(struct relay *r)
{
	for (struct conn *c = r->conns; c; c = c->next) {
		struct relay_conn *link = relay_conn_of(c);

		if (!link->blocked)
			continue;
		link->blocked = false;
		link->conn->active = loop_now();
		relay_conn_watch(link);
	}
}

void
relay_free(struct relay *r)
{
	relay_close_all(r, REASON_LOCAL);
	zerocopy_close(&r->zerocopy_out);
	peer_gone_close(&r->shared.peers);
	ring_close(&r->shared.ring);
	free(r->buffer);
}
