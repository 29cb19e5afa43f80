/*
 * A proxy joins a client's and a server's connection. It reads from one side
 * and writes to the other at once. If the other does not take all, the rest is
 * queued there (conn_send()), and the first side is not read until the queue is
 * empty: TCP then slows its sender down. An end of file is passed on after all
 * data before it, a reset as a reset.
 *
 * The server may be a pair: a program of this host has the other end of a Unix
 * socket pair. If it has closed that, it takes no more, and is `deaf`: what
 * came from it still goes to the client, and what the client sends is
 * discarded, because close(2) with unread data would reset the connection.
 *
 *	state		client		server		what moves it on
 *	connecting	not read	connect(2)	connected: open
 *							error, time-out: closed
 *	open		read, written	read, written	a side's end: half
 *							an error: closed
 *	half		one direction has ended		the other's end, or a
 *							deaf pair's: closed
 *
 * The proxy owns both connections, and frees them and itself when closed.
 */
#include "relay/proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/container.h"
#include "base/fail.h"
#include "net/sockopt.h"

enum {
	PIECE = 16 * 1024,
	LINGER_US = 1500 * 1000,	/* a client may never close */
};

static bool
side_is_server(const struct conn *c)
{
	const struct proxy *p = c->user;

	return p->side[PROXY_SERVER] == c;
}

static struct conn *
other_side(const struct conn *c)
{
	const struct proxy *p = c->user;

	return p->side[side_is_server(c) ? PROXY_CLIENT : PROXY_SERVER];
}

static void
proxy_end(struct proxy *p, enum reason reason, int error)
{
	loop_timer_cancel(p->loop, &p->timer);
	if (reason != REASON_END && reason != REASON_TRUNCATED)
		for (int i = 0; i < 2; i++)
			sock_reset_at_close(p->side[i]->source.fd);
	p->ops->on_close(p, reason, error);
	if (p->link)
		*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	conn_free(p->side[PROXY_CLIENT]);
	conn_free(p->side[PROXY_SERVER]);
	free(p);
}

static void
proxy_break(struct proxy *p, int error)
{
	if (error == EPIPE)
		error = ECONNRESET;
	proxy_end(p, error == ETIMEDOUT ? REASON_TIMEOUT : REASON_RESET, error);
}

static bool
side_is_deaf(const struct conn *c)
{
	const struct proxy *p = c->user;

	return p->deaf && side_is_server(c);
}

static bool
side_is_done(const struct conn *c)
{
	return c->write_ended && !c->shut_waits;
}

static int
side_watch(struct conn *c)
{
	uint32_t events = 0;

	if (c->read_ended && side_is_done(c)) {
		loop_del(c->loop, &c->source);	/* EPOLLHUP can't be masked */
		return 0;
	}
	if (!c->read_ended && !other_side(c)->queued)
		events |= EPOLLIN;
	if (c->queued || c->shut_waits)
		events |= EPOLLOUT;
	return c->ops->watch(c, events);
}

/* Half-closes c if the other side has ended, and all before it is written. */
static void
side_pass_end(struct conn *c)
{
	if (!other_side(c)->read_ended || c->queued ||
	    (c->write_ended && !c->shut_waits))
		return;
	conn_shut(c);
	c->write_ended = true;
}

/* A pair takes no more: 0. Anything else that fails is broken: -1. */
static int
side_refuses(struct conn *c)
{
	struct proxy *p = c->user;

	if (!p->pair || !side_is_server(c))
		return -1;
	p->deaf = true;
	c->queued = 0;
	c->write_ended = true;
	return 0;
}

static int
side_send(struct conn *c, const char *data, size_t length)
{
	if (!length || side_is_deaf(c) || conn_send(c, data, length) == 0)
		return 0;
	return side_refuses(c);
}

/*
 * Like conn_read(). A program that closes a pair before it has read all resets
 * it: that is its end.
 */
static ssize_t
side_read(struct conn *c, char *buffer, size_t room)
{
	const struct proxy *p = c->user;
	ssize_t n = conn_read(c, buffer, room);

	return n < 0 && errno == ECONNRESET && p->pair && side_is_server(c) ?
	    0 : n;
}

/* Reads c once, and writes it to the other side. -1: the proxy is freed. */
static int
proxy_move(struct conn *c)
{
	char buffer[PIECE];
	struct proxy *p = c->user;
	ssize_t n = side_read(c, buffer, sizeof(buffer));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0 || side_send(other_side(c), buffer, (size_t)n) < 0) {
		proxy_break(p, errno);
		return -1;
	}
	c->read_ended = n == 0;
	return 0;
}

static void
proxy_finish(struct proxy *p)
{
	proxy_end(p, p->side[PROXY_CLIENT]->truncated ? REASON_TRUNCATED :
	    REASON_END, 0);
}

static void
on_linger(struct timer *t)
{
	proxy_finish(container_of(t, struct proxy, timer));
}

/* Whether the client is still read, so that close(2) does not reset it. */
static bool
proxy_lingers(struct proxy *p)
{
	if (!p->deaf || p->side[PROXY_CLIENT]->read_ended)
		return false;
	p->timer.on_timer = on_linger;
	return p->timer.at || loop_timer_set(p->loop, &p->timer,
	    loop_now() + LINGER_US) == 0;
}

/* After an event: passes ends on, closes, or waits for the next event. */
static void
proxy_settle(struct conn *c)
{
	struct proxy *p = c->user;

	side_pass_end(c);
	side_pass_end(other_side(c));
	if (side_is_done(c) && side_is_done(other_side(c)) &&
	    !proxy_lingers(p))
		proxy_finish(p);
	else if (side_watch(c) < 0 || side_watch(other_side(c)) < 0)
		proxy_end(p, REASON_LOCAL, errno);
}

/* A side that has ended hung up. -1: the proxy is freed. */
static int
side_hung_up(struct conn *c)
{
	int error = conn_error(c);

	if ((c->write_ended && !error) || side_refuses(c) == 0)
		return 0;
	proxy_break(c->user, error ? error : ECONNRESET);
	return -1;
}

static void
on_side(struct conn *c, uint32_t events)
{
	struct proxy *p = c->user;
	bool hung_up = events & (EPOLLERR | EPOLLHUP);

	if (c->queued && (events & EPOLLOUT || hung_up) &&
	    conn_flush(c) < 0 && side_refuses(c) < 0) {
		proxy_break(p, errno);
		return;
	}
	if (c->read_ended && hung_up) {
		if (side_hung_up(c) < 0)
			return;
	} else if (!c->read_ended && other_side(c)->queued) {
		/* not read now; EPOLLHUP can't be masked, so don't watch c */
		if (hung_up) {
			loop_del(p->loop, &c->source);
			return;
		}
	} else if (!c->read_ended && (events & EPOLLIN || hung_up)) {
		if (proxy_move(c) < 0)
			return;
	}
	proxy_settle(c);
}

/* The server's side: connect(2) has succeeded or failed. */
static void
on_connect(struct conn *c, uint32_t events)
{
	struct proxy *p = c->user;
	int error = conn_error(c);

	(void)events;
	loop_timer_cancel(p->loop, &p->timer);
	if (error) {
		proxy_break(p, error);
		return;
	}
	p->open = true;
	c->on_event = other_side(c)->on_event = on_side;
	p->ops->on_open(p);
	proxy_settle(c);
}

/* The client hung up while the server connects. It is not read yet. */
static void
on_client_early(struct conn *c, uint32_t events)
{
	struct proxy *p = c->user;

	if (events & EPOLLERR) {
		int error = conn_error(c);

		proxy_break(p, error ? error : ECONNRESET);
	} else {
		/* EPOLLHUP can't be masked; on_connect() watches it again */
		loop_del(p->loop, &c->source);
	}
}

static void
on_timeout(struct timer *t)
{
	proxy_end(container_of(t, struct proxy, timer),
	    REASON_TIMEOUT, ETIMEDOUT);
}

static int
proxy_prepare(struct proxy *p, int64_t timeout)
{
	struct conn *client = p->side[PROXY_CLIENT];
	struct conn *server = p->side[PROXY_SERVER];

	client->user = server->user = p;
	client->on_event = on_client_early;
	server->on_event = on_connect;
	p->timer.on_timer = on_timeout;
	if (client->ops->watch(client, 0) < 0 ||
	    server->ops->watch(server, EPOLLOUT) < 0)
		return -1;
	return loop_timer_set(p->loop, &p->timer, loop_now() + timeout);
}

/* Frees a side, but leaves its descriptor open for the caller. */
static void
side_give_back(struct loop *l, struct conn *c)
{
	if (!c)
		return;
	loop_del(l, &c->source);
	free(c);
}

struct proxy *
proxy_new(struct loop *l, int client, int server, int64_t timeout,
    const struct proxy_ops *ops)
{
	struct proxy *p = calloc(1, sizeof(*p));

	if (!p) {
		fail("connection");
		return NULL;
	}
	p->loop = l;
	p->ops = ops;
	p->side[PROXY_CLIENT] = conn_adopt(l, client, &conn_stream);
	p->side[PROXY_SERVER] = conn_adopt(l, server, &conn_stream);
	if (p->side[PROXY_CLIENT] && p->side[PROXY_SERVER] &&
	    proxy_prepare(p, timeout) == 0)
		return p;
	side_give_back(l, p->side[PROXY_CLIENT]);
	side_give_back(l, p->side[PROXY_SERVER]);
	free(p);
	return NULL;
}

struct proxy *
proxy_join(struct conn *client, int pair, const struct proxy_ops *ops)
{
	struct proxy *p = calloc(1, sizeof(*p));
	struct conn *server = p ? conn_adopt(client->loop, pair, &conn_stream) :
	    NULL;

	if (!server) {
		fail("connection");
		free(p);
		return NULL;
	}
	*p = (struct proxy){
		.loop = client->loop, .ops = ops, .open = true, .pair = true,
		.side = { client, server },
	};
	client->user = server->user = p;
	client->on_event = server->on_event = on_side;
	if (side_watch(client) == 0 && side_watch(server) == 0)
		return p;
	side_give_back(client->loop, server);
	free(p);
	return NULL;
}

void
proxy_cut(struct proxy *p)
{
	proxy_end(p, REASON_CUT, 0);
}
