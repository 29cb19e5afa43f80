/*
 * How it works. What is read from one side is written to the other at once;
 * what that does not take is kept (conn_send()), and until it is gone the
 * first side is not read, so that its sender is slowed down by TCP itself. An
 * end is passed on when all before it has been written; a reset as a reset.
 */
#include "relay/proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/container.h"
#include "base/fail.h"

enum { PIECE = 16 * 1024 };

static bool
is_server(const struct conn *c)
{
	const struct proxy *p = c->user;

	return p->side[PAIR_SERVER] == c;
}

static struct conn *
other(const struct conn *c)
{
	const struct proxy *p = c->user;

	return p->side[is_server(c) ? PAIR_CLIENT : PAIR_SERVER];
}

static void
reset(struct conn *c)
{
	static const struct linger now = { .l_onoff = 1 };

	setsockopt(c->source.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void
end(struct proxy *p, enum reason reason, int error)
{
	loop_timer_cancel(p->loop, &p->timer);
	if (reason != REASON_END)
		for (int i = 0; i < 2; i++)
			reset(p->side[i]);
	p->ops->on_close(p, reason, error);
	if (p->link)
		*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	conn_free(p->side[PAIR_CLIENT]);
	conn_free(p->side[PAIR_SERVER]);
	free(p);
}

static void
end_broken(struct proxy *p, int error)
{
	if (error == EPIPE)
		error = ECONNRESET;
	end(p, error == ETIMEDOUT ? REASON_TIMEOUT : REASON_RESET, error);
}

static int
watch(struct conn *c)
{
	uint32_t events = 0;

	if (!c->read_ended && !other(c)->queued)
		events |= EPOLLIN;
	if (c->queued)
		events |= EPOLLOUT;
	return c->ops->watch(c, events);
}

/* Tells c of the other's end, once all before it is written. */
static void
pass_end(struct conn *c)
{
	if (!other(c)->read_ended || c->queued || c->write_ended)
		return;
	c->ops->shut(c);
	c->write_ended = true;
}

/* Reads once, and writes it to the other side. -1: the pair is gone. */
static int
move(struct conn *c)
{
	char buffer[PIECE];
	struct proxy *p = c->user;
	ssize_t n = conn_read(c, buffer, sizeof(buffer));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0 || (n > 0 && conn_send(other(c), buffer, (size_t)n) < 0)) {
		end_broken(p, errno);
		return -1;
	}
	c->read_ended = n == 0;
	return 0;
}

/* What is known of c by now is done. */
static void
settle(struct conn *c)
{
	struct proxy *p = c->user;

	pass_end(c);
	pass_end(other(c));
	if (c->write_ended && other(c)->write_ended)
		end(p, REASON_END, 0);
	else if (watch(c) < 0 || watch(other(c)) < 0)
		end(p, REASON_LOCAL, errno);
}

static void
on_side(struct conn *c, uint32_t events)
{
	struct proxy *p = c->user;
	bool hung_up = events & (EPOLLERR | EPOLLHUP);

	if (c->queued && (events & EPOLLOUT || hung_up) && conn_flush(c) < 0) {
		end_broken(p, errno);
		return;
	}
	if (c->read_ended && hung_up) {
		int error = conn_error(c);

		end_broken(p, error ? error : ECONNRESET);
		return;
	}
	if (!c->read_ended && other(c)->queued) {
		/* the rest is left in the kernel, and a hang-up unheard */
		if (hung_up) {
			loop_del(p->loop, &c->source);
			return;
		}
	} else if (!c->read_ended && (events & EPOLLIN || hung_up)) {
		if (move(c) < 0)
			return;
	}
	settle(c);
}

/* The server's side: it is connected, or won't be. */
static void
on_connect(struct conn *c, uint32_t events)
{
	struct proxy *p = c->user;
	int error = conn_error(c);

	(void)events;
	loop_timer_cancel(p->loop, &p->timer);
	if (error) {
		end_broken(p, error);
		return;
	}
	p->open = true;
	c->on_event = other(c)->on_event = on_side;
	p->ops->on_open(p);
	settle(c);
}

/* While there is no server to give it to, the client is not read. */
static void
on_client_early(struct conn *c, uint32_t events)
{
	struct proxy *p = c->user;

	if (events & EPOLLERR) {
		int error = conn_error(c);

		end_broken(p, error ? error : ECONNRESET);
	} else {
		/* it has gone, or will be heard once it is connected */
		loop_del(p->loop, &c->source);
	}
}

static void
on_timeout(struct timer *t)
{
	end(container_of(t, struct proxy, timer),
	    REASON_TIMEOUT, ETIMEDOUT);
}

static int
prepare(struct proxy *p, int64_t timeout)
{
	struct conn *client = p->side[PAIR_CLIENT];
	struct conn *server = p->side[PAIR_SERVER];

	client->user = server->user = p;
	client->on_event = on_client_early;
	server->on_event = on_connect;
	p->timer.on_timer = on_timeout;
	if (client->ops->watch(client, 0) < 0 ||
	    server->ops->watch(server, EPOLLOUT) < 0)
		return -1;
	return loop_timer_set(p->loop, &p->timer, loop_now() + timeout);
}

/* Frees a side, and leaves the caller its descriptor. */
static void
give_back(struct loop *l, struct conn *c)
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
	p->side[PAIR_CLIENT] = conn_adopt(l, client, &conn_stream);
	p->side[PAIR_SERVER] = conn_adopt(l, server, &conn_stream);
	if (p->side[PAIR_CLIENT] && p->side[PAIR_SERVER] &&
	    prepare(p, timeout) == 0)
		return p;
	give_back(l, p->side[PAIR_CLIENT]);
	give_back(l, p->side[PAIR_SERVER]);
	free(p);
	return NULL;
}

void
proxy_cut(struct proxy *p)
{
	end(p, REASON_CUT, 0);
}
