/*
 * A relay sends standard input to all connections, and writes what they send to
 * standard output. This file moves the bytes; relay_wait.c (with a table)
 * decides what is waited for, relay_end.c (with another) how a connection ends.
 *
 * From input. It is read into one ring that all connections share. Each
 * connection has a position in the ring, and is owed the bytes from there to
 * the head. A connection that falls a whole ring behind the head is closed as
 * too slow.
 *
 * Zerocopy (zerocopy.h). If no callback looks at the bytes, the kernel moves
 * them: received bytes always, input only while there is a single connection
 * and it is owed nothing. A second connection, or a descriptor that the kernel
 * can't move from, brings back the ring.
 *
 * Datagrams, and SOCK_SEQPACKET: the ring holds one record, and the next is read
 * when all connections have sent it.
 */
#include "relay/relay_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"

enum {
	PIECE = 256 * 1024,	/* one read */
	RECORD = 16 * 1024,	/* one datagram of input */
	DATAGRAMS_A_WAKE = 64,
	RETRY_US = 200 * 1000,	/* while another job has the terminal */
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

/* A write failed (errno): no more is sent, but the peer is still read. -1. */
static int
relay_conn_break(struct relay_conn *rc)
{
	rc->broken = errno;
	rc->end = rc->relay->ring.head;
	return -1;
}

/* Sends what the socket takes now. -1: it is broken. */
static int
relay_conn_send(struct relay_conn *rc)
{
	size_t piece;

	if (rc->conn->queued && conn_flush(rc->conn) < 0)
		return relay_conn_break(rc);
	if (rc->conn->queued)
		return 0;
	while (relay_conn_unsent(rc) > 0) {
		const char *data = ring_at(&rc->relay->ring, rc->sent,
		    &piece);
		ssize_t n = conn_write(rc->conn, data, piece);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return conn_would_wait(rc->conn) ? 0 :
			    relay_conn_break(rc);
		rc->sent += (uint64_t)n;
	}
	return 0;
}

/*
 * A datagram can't be sent (rc->broken is why): it is lost, and reported.
 * Returns -1 if the connection is closed, because no socket receives there.
 */
static int
relay_lose_datagram(struct relay_conn *rc, size_t length)
{
	struct relay *r = rc->relay;
	int error = rc->broken;

	if (error == ECONNREFUSED) {
		relay_broke(rc, error);
		return -1;
	}
	rc->broken = 0;
	if (r->ops->on_unsent)
		r->ops->on_unsent(r, rc->conn, length, error);
	return 0;
}

/* Sends, and reports a datagram that is lost. -1: the connection is closed. */
static int
relay_push(struct relay_conn *rc)
{
	uint64_t queued = rc->conn->queued;
	uint64_t length = rc->relay->ring.head - rc->sent;

	if (relay_conn_send(rc) == 0 || !rc->relay->datagram)
		return 0;
	if (queued) {
		rc->conn->queued = 0;
		return relay_lose_datagram(rc, queued) < 0
		    ? -1
		    : relay_push(rc);
	}
	rc->sent += length;
	return relay_lose_datagram(rc, length);
}

/* After the head moved or input ended: sends to all, and settles each. */
static void
relay_push_all(struct relay *r)
{
	struct conn *c, *next;

	for (c = r->conns; c; c = next) {
		next = c->next;
		if (relay_push(relay_conn_of(c)) == 0)
			relay_settle(relay_conn_of(c));
	}
	relay_watch_input(r);
}

static bool
relay_lingers(const struct relay *r)
{
	return r->datagram && r->in.ended && r->options->linger >= 0;
}

static void
relay_input_ended(struct relay *r)
{
	r->in.ended = true;
	loop_del(r->loop, &r->in.source);
	for (struct conn *c = r->conns; c; c = c->next) {
		struct relay_conn *rc = relay_conn_of(c);

		rc->shut_due = !r->options->keep || r->in.gave;
		if (relay_lingers(r))
			loop_timer_set(r->loop, &rc->timer,
			    loop_now() + r->options->linger);
	}
	relay_push_all(r);
}

/*
 * Empties the ring. No connection sends any more of what it had, but a broken
 * one still counts what it was owed, as lost. Returns where the next bytes go.
 */
static char *
relay_ring_restart(struct relay *r)
{
	for (struct conn *c = r->conns; c; c = c->next) {
		struct relay_conn *rc = relay_conn_of(c);

		rc->sent = 0 - relay_conn_owed(rc);
		rc->end = 0;
	}
	return ring_restart(&r->ring);
}

static bool
relay_is_all_sent(const struct relay *r)
{
	for (struct conn *c = r->conns; c; c = c->next)
		if (relay_conn_unsent(relay_conn_of(c)) > 0)
			return false;
	return true;
}

/*
 * Moves input by zerocopy. -1: leave the connection alone, because input has
 * ended: it is settled, which may have freed it.
 */
static int
relay_pump(struct relay_conn *rc)
{
	struct relay *r = rc->relay;
	enum zerocopy_result result;

	if (!relay_direct(r) || !relay_conn_is_up_to_date(rc)) {
		rc->stalled = false;	/* input takes the ring now */
		return 0;
	}
	result = zerocopy_in(&r->zerocopy_in, r->in.source.fd, rc->conn);
	if (result == ZEROCOPY_CONN_FAILED)
		relay_conn_break(rc);
	if (result == ZEROCOPY_MOVED)
		r->in.gave = true;
	else
		rc->stalled = result == ZEROCOPY_FULL;
	if (result != ZEROCOPY_END)
		return 0;
	relay_input_ended(r);
	return -1;
}

/* Whether read() failed because the terminal hung up, or in the background. */
static bool
is_terminal_gone(int fd)
{
	struct stat st;

	return errno == EIO && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode);
}

/* Adds input that is in the buffer to the ring. */
static void
relay_ring_add(struct relay *r, size_t length)
{
	bool crlf = r->options->crlf;

	if (r->records)
		relay_ring_restart(r);
	close_too_slow(r, crlf ? length * 2 : length);
	if (crlf)
		ring_add_crlf(&r->ring, r->buffer, length);
	else
		ring_add(&r->ring, r->buffer, length);
}

/* Reads input into the ring, and sends it to all. */
static void
relay_read_input(struct relay *r)
{
	const struct relay_options *o = r->options;
	size_t most = r->records ? RECORD : o->crlf ? PIECE / 2 : PIECE;
	/* if nobody is behind, the ring is free, and saves a copy */
	bool direct = !r->records && !o->crlf && relay_is_all_sent(r);
	char *room = direct ? relay_ring_restart(r) : r->buffer;
	ssize_t n = o->delay ? input_line(&r->in, room, most, o->delay) :
	    read(r->in.source.fd, room, most);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 && !is_terminal_gone(r->in.source.fd)) {
		fail("stdin");
		relay_input_failed(r);
	}
	if (n <= 0) {
		relay_input_ended(r);
		return;
	}
	r->in.gave = true;
	if (r->ops->on_data)
		r->ops->on_data(r, NULL, room, (size_t)n);
	if (direct)
		ring_take(&r->ring, (size_t)n);
	else
		relay_ring_add(r, (size_t)n);
	relay_push_all(r);
}

/* The pause is over: after a line, or while another job had the terminal. */
static void
on_input_pause(struct timer *timer)
{
	struct relay *r = container_of(timer, struct relay, in.pause);

	if (input_has_line(&r->in))
		relay_read_input(r);
	else
		relay_watch_input(r);
}

static void
on_input(struct source *source, uint32_t events)
{
	struct relay *r = container_of(source, struct relay, in.source);
	struct relay_conn *only = relay_direct(r);

	(void)events;
	if (input_is_withheld(&r->in)) {
		loop_del(r->loop, source);
		loop_timer_set(r->loop, &r->in.pause, loop_now() + RETRY_US);
		return;
	}
	if (!only || !relay_conn_is_up_to_date(only)) {
		relay_read_input(r);
		return;
	}
	if (relay_pump(only) == 0)
		relay_settle(only);
	relay_watch_input(r);
}

/* Grows the buffer, so that a datagram is read whole, however large. */
static void
relay_make_room(struct relay *r, size_t length)
{
	char *buffer;

	if (length <= r->room)
		return;
	buffer = realloc(r->buffer, length);
	if (!buffer)
		return;		/* conn_read() then fails with EMSGSIZE */
	r->buffer = buffer;
	r->room = length;
}

/* Reads once: 1: data; 0: none now, or the end; -1: closed for an error. */
static int
relay_read_once(struct relay_conn *rc)
{
	struct relay *r = rc->relay;
	struct conn *c = rc->conn;
	ssize_t n;

	relay_make_room(r, conn_pending(c));
	n = conn_read(c, r->buffer, r->room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0) {
		relay_broke(rc, errno);
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

/*
 * Out is full: the peer's data stays in the kernel. EPOLLHUP can't be masked,
 * so after a hang-up the socket is not watched at all.
 */
static void
relay_conn_block(struct relay_conn *rc, bool hung_up)
{
	rc->blocked = true;
	if (hung_up)
		loop_del(rc->conn->loop, &rc->conn->source);
	else
		relay_conn_watch_or_close(rc);
}

/*
 * Moves what the peer sent to out by zerocopy. -1: leave the connection alone,
 * because it is closed, or blocked until out has room.
 */
static int
relay_pass_out(struct relay_conn *rc, bool hung_up)
{
	struct relay *r = rc->relay;

	switch (zerocopy_out(&r->zerocopy_out, rc->conn, r->out->source.fd)) {
	case ZEROCOPY_END:
		rc->conn->read_ended = true;
		return 0;
	case ZEROCOPY_URGENT:
		return relay_read_once(rc);
	case ZEROCOPY_FULL:
		sink_wait(r->out);
		relay_conn_block(rc, hung_up);
		return -1;
	case ZEROCOPY_CONN_FAILED:
		relay_broke(rc, errno);
		return -1;
	default:
		return 0;
	}
}

/*
 * Like relay_read_once(), but reads all datagrams that have come (up to a
 * limit), so that the sink writes them with one call.
 */
static int
relay_read(struct relay_conn *rc)
{
	struct sink *out = rc->relay->out;
	int n, left = DATAGRAMS_A_WAKE;

	if (!rc->conn->ops->datagram)
		return relay_read_once(rc);
	sink_cork(out);
	do
		n = relay_read_once(rc);
	while (n > 0 && --left);
	sink_uncork(out);
	return n;
}

static void
on_conn(struct conn *c, uint32_t events)
{
	struct relay_conn *rc = relay_conn_of(c);
	struct relay *r = rc->relay;
	bool hung_up = events & (EPOLLERR | EPOLLHUP);

	if (!relay_conn_is_up_to_date(rc) && (events & EPOLLOUT || hung_up) &&
	    relay_push(rc) < 0)
		return;
	if (rc->stalled && (events & EPOLLOUT || hung_up) &&
	    relay_pump(rc) < 0)
		return;
	if (c->read_ended && hung_up) {
		relay_hung_up(rc, rc->broken ? rc->broken : conn_error(c));
		return;
	}
	if (!c->read_ended && (events & EPOLLIN || hung_up)) {
		if (sink_full(r->out)) {
			relay_conn_block(rc, hung_up);
			return;
		}
		if ((r->zerocopy_out.kind == ZEROCOPY_BUFFER || !c->ops->direct
			    ? relay_read(rc)
			    : relay_pass_out(rc, hung_up)) < 0)
			return;
	}
	if (relay_settle(rc) == 0 && !r->in.source.watched)
		relay_watch_input(r);
}

static void
on_timer(struct timer *timer)
{
	struct relay_conn *rc = container_of(timer, struct relay_conn, timer);
	struct relay *r = rc->relay;
	struct conn *c = rc->conn;
	bool last = relay_lingers(r);
	int64_t limit = last ? r->options->linger : r->options->idle;
	int64_t since = c->active;

	if (rc->blocked)
		since = loop_now();	/* we do not read: it isn't silent */
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
	r->in.source.fd = STDIN_FILENO;
	r->in.source.on_event = on_input;
	r->in.pause.on_timer = on_input_pause;
	r->in.none = options->no_input;
	r->in.terminal = isatty(STDIN_FILENO);
	if (!ops->on_data && !options->crlf && !options->no_input)
		r->zerocopy_in = zerocopy_from(r->in.source.fd);
	if (!ops->on_data)
		r->zerocopy_out = zerocopy_to(out->source.fd);
	if (options->delay && input_hold(&r->in) < 0)
		return -1;
	r->room = PIECE;
	r->buffer = malloc(r->room);
	return r->buffer ? ring_open(&r->ring) : fail("buffer");
}

int
relay_add(struct relay *r, struct conn *c)
{
	struct relay_conn *rc = calloc(1, sizeof(*rc));

	if (!rc)
		return fail("connection");
	rc->relay = r;
	rc->conn = c;
	rc->sent = r->ring.head;
	rc->timer.on_timer = on_timer;
	rc->ask.on_timer = relay_on_ask;
	rc->shut_due = r->in.ended && !r->options->keep;
	r->datagram = c->ops->datagram;
	r->records = r->datagram || c->ops->records;
	c->user = rc;
	c->on_event = on_conn;
	if (relay_conn_watch(rc) < 0 ||
	    (r->options->idle &&
		loop_timer_set(r->loop, &rc->timer,
		    loop_now() + r->options->idle) < 0)) {
		free(rc);
		return -1;
	}
	conn_link(c, &r->conns);
	r->count++;
	/* from the loop: here it could close what the caller has just opened */
	if (r->in.ended)
		loop_timer_set(r->loop, &rc->ask, loop_now());
	relay_watch_input(r);
	return 0;
}

/* Sends beside the ring, each datagram as its own. -1: closed. */
static int
relay_send_now(struct relay_conn *rc, const void *data, size_t length)
{
	struct conn *c = rc->conn;

	if (!rc->relay->datagram) {
		if (conn_send(c, data, length) < 0)
			relay_conn_break(rc);
		return 0;
	}
	if (c->queued && relay_push(rc) < 0)
		return -1;
	if (!c->queued && conn_send(c, data, length) == 0)
		return 0;
	rc->broken = c->queued ? EAGAIN : errno;
	return relay_lose_datagram(rc, length);
}

void
relay_send(struct relay *r, struct conn *c, const void *data, size_t length)
{
	struct relay_conn *rc = relay_conn_of(c);

	if (rc->broken)
		return;
	if (c->queued + length > RING_SIZE || (c->ops->records && c->queued)) {
		relay_close(r, c, REASON_TOO_SLOW, 0);
		return;
	}
	if (relay_send_now(rc, data, length) == 0)
		relay_settle(rc);
}

void
relay_shut(struct conn *c)
{
	relay_conn_of(c)->shut_due = true;
	relay_settle(relay_conn_of(c));
}

void
relay_prepare(struct relay *r)
{
	peer_gone_open(&r->peers);
}

void
relay_resume(struct relay *r)
{
	struct conn *c, *next;

	for (c = r->conns; c; c = next) {
		struct relay_conn *rc = relay_conn_of(c);

		next = c->next;
		if (!rc->blocked)
			continue;
		rc->blocked = false;
		c->active = loop_now();
		relay_conn_watch_or_close(rc);
	}
	relay_watch_input(r);
}

void
relay_free(struct relay *r)
{
	relay_close_all(r, REASON_LOCAL);
	zerocopy_close(&r->zerocopy_out);
	peer_gone_close(&r->peers);
	ring_close(&r->ring);
	loop_timer_cancel(r->loop, &r->in.pause);
	free(r->in.held);
	free(r->buffer);
}
