/*
 * Waits for the PROXY header of accepted connections, each by itself.
 *
 *	state		what it does		what moves it on
 *	waiting		reads the header, and	it is complete: on_ready()
 *			not a byte beyond it	it is bad, or late, or ends:
 *						on_refused()
 *
 * The server first looks at the bytes that came (MSG_PEEK), and then reads only
 * those of the header. So it leaves the payload behind them to the connection's
 * owner, which may move it by splice(2). It reads each part of a header that is
 * not complete, because epoll would report an unread part for ever.
 *
 * The connection is linked in `waiting`; its user is a struct header_wait.
 */
#include "serve/accept_proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/fail.h"
#include "net/proxy_header.h"
#include "net/sockopt.h"

enum {
	LIMIT_US = 3 * 1000 * 1000,
	ROOM_FIRST = 256,		/* most headers are shorter */
};

struct header_wait {
	struct accept_proxy *all;
	struct conn *conn;
	struct timer limit;
	char *bytes;			/* read so far */
	size_t have, room;
};

/* Ends the wait for the header of a connection. */
static void
header_wait_end(struct header_wait *w)
{
	loop_timer_cancel(w->all->loop, &w->limit);
	conn_unlink(w->conn);
	free(w->bytes);
	free(w);
}

/* Returns -1: w is freed. */
static int
header_wait_ready(struct header_wait *w, const struct proxy_header *h)
{
	struct accept_proxy *p = w->all;
	struct conn *c = w->conn;

	if (!h->datagram)	/* else as haproxy does: the peer's own */
		c->origin = h->from;
	c->active = loop_now();
	header_wait_end(w);
	p->on_ready(p, c);
	return -1;
}

/*
 * The caller has recorded why, if it is a fault. Frees w and returns -1; each
 * caller that gets -1 must not use w.
 */
static int
header_wait_refuse(struct header_wait *w, enum reason reason, bool fault)
{
	struct accept_proxy *p = w->all;
	struct conn *c = w->conn;

	/* a FIN would tell the client that its bytes were taken */
	if (w->have)
		sock_reset_at_close(c->source.fd);
	header_wait_end(w);
	p->on_refused(p, c, reason, fault);
	return -1;
}

static int
header_wait_bad(struct header_wait *w, const char *why)
{
	char peer[ADDR_TEXT];

	fail_as(STATUS_NETWORK, "%s sent a bad PROXY header: %s",
	    addr_text(&w->conn->peer, peer), why);
	return header_wait_refuse(w, REASON_BAD_HEADER, true);
}

static int
header_wait_none(struct header_wait *w, const char *why)
{
	char peer[ADDR_TEXT];

	fail_as(STATUS_NETWORK, "%s sent no %sPROXY header: %s",
	    addr_text(&w->conn->peer, peer), w->have ? "complete " : "", why);
	return header_wait_refuse(w, REASON_NO_HEADER, true);
}

static int
header_wait_broke(struct header_wait *w)
{
	char peer[ADDR_TEXT];

	fail("%s sent no PROXY header", addr_text(&w->conn->peer, peer));
	return header_wait_refuse(w, errno == ETIMEDOUT ? REASON_TIMEOUT :
	    REASON_RESET, true);
}

static int
header_wait_grow(struct header_wait *w)
{
	size_t room = w->room ? w->room * 2 : ROOM_FIRST;
	char *bytes = realloc(w->bytes, room);

	if (!bytes)
		return fail("PROXY header");
	w->bytes = bytes;
	w->room = room;
	return 0;
}

/*
 * Reads those of the n peeked bytes that are header. Returns 1 if the header
 * goes on.
 */
static int
header_wait_take(struct header_wait *w, size_t n)
{
	struct proxy_header h;
	enum proxy_state state = proxy_header_parse(w->bytes, w->have + n, &h);
	ssize_t got;

	if (state == PROXY_BAD)
		return header_wait_bad(w, h.why);
	if (state == PROXY_DONE)
		n = h.length - w->have;
	got = recv(w->conn->source.fd, w->bytes + w->have, n, MSG_DONTWAIT);
	w->have += got > 0 ? (size_t)got : 0;
	if (state == PROXY_DONE && w->have == h.length)
		return header_wait_ready(w, &h);
	if (w->have == w->room && header_wait_grow(w) < 0)
		return header_wait_refuse(w, REASON_LOCAL, true);
	return 1;
}

/* 0: there is nothing to read now; else like header_wait_take(). */
static int
header_wait_read(struct header_wait *w)
{
	ssize_t n = recv(w->conn->source.fd, w->bytes + w->have,
	    w->room - w->have, MSG_PEEK | MSG_DONTWAIT);

	if (n > 0)
		return header_wait_take(w, (size_t)n);
	if (n == 0)
		return header_wait_none(w, "it has ended");
	return errno == EAGAIN || errno == EINTR ? 0 : header_wait_broke(w);
}

static void
on_event(struct conn *c, uint32_t events)
{
	(void)events;
	header_wait_read(c->user);
}

/* This process may be late itself, after ^Z, and the header may be there. */
static void
on_header_late(struct timer *t)
{
	struct header_wait *w = container_of(t, struct header_wait, limit);
	int n;

	while ((n = header_wait_read(w)) > 0)
		continue;
	if (n == 0)
		header_wait_none(w, "3 seconds are over");
}

static bool
sends_header(const struct accept_proxy *p, const struct conn *c)
{
	for (int i = 0; i < p->count; i++)
		if (prefix_has(&p->from[i], &c->peer))
			return p->on;
	return p->on && !p->count;
}

static int
header_wait_begin(struct header_wait *w)
{
	w->limit.on_timer = on_header_late;
	if (header_wait_grow(w) < 0 ||
	    w->conn->ops->watch(w->conn, EPOLLIN) < 0)
		return -1;
	return loop_timer_set(w->all->loop, &w->limit, loop_now() + LIMIT_US);
}

int
accept_proxy_add(struct accept_proxy *p, struct conn *c)
{
	struct header_wait *w;

	if (!sends_header(p, c)) {
		p->on_ready(p, c);
		return 0;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		return fail("connection");
	w->all = p;
	w->conn = c;
	c->user = w;
	c->on_event = on_event;
	conn_link(c, &p->waiting);
	if (header_wait_begin(w) == 0)
		return 0;
	header_wait_end(w);
	return -1;
}

int
accept_proxy_read(struct accept_proxy *p, const char *text)
{
	struct prefix_reader r = { .next = text && *text ? text : NULL };
	struct prefix one, *from;
	int result;

	p->on = text;
	while ((result = prefix_next(&r, &one)) > 0) {
		from = realloc(p->from, ((size_t)p->count + 1) *
		    sizeof(*from));
		if (!from)
			return fail("addresses");
		p->from = from;
		p->from[p->count++] = one;
	}
	return result;
}

void
accept_proxy_cut(struct accept_proxy *p, enum reason reason)
{
	struct conn *c, *next;

	for (c = p->waiting; c; c = next) {
		next = c->next;
		header_wait_refuse(c->user, reason, false);
	}
}

void
accept_proxy_free(struct accept_proxy *p)
{
	free(p->from);
	p->from = NULL;
	p->count = 0;
}
