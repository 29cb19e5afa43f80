/*
 * Makes the TLS handshake of accepted connections, each by itself, so that one
 * that stalls holds nobody up.
 *
 *	state		what it does		what moves it on
 *	handshake	goes on with it when	it is done: on_ready()
 *			the socket is ready	it fails, or takes too long:
 *						on_refused()
 *
 * The connection is linked in `waiting`; its user is a struct handshake.
 */
#include "serve/accept_tls.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/fail.h"
#include "net/sockopt.h"
#include "tls/tls_conn.h"

enum { LIMIT_US = 10 * 1000 * 1000 };

struct handshake {
	struct accept_tls *all;
	struct conn *conn;
	struct tls *tls;		/* NULL once the connection has it */
	struct timer limit;
};

static void
handshake_end(struct handshake *h)
{
	loop_timer_cancel(h->all->loop, &h->limit);
	conn_unlink(h->conn);
	tls_free(h->tls);
	free(h);
}

/* The caller has recorded why. */
static void
handshake_refuse(struct handshake *h, enum reason reason)
{
	struct accept_tls *a = h->all;
	struct conn *c = h->conn;

	handshake_end(h);
	a->on_refused(a, c, reason);
}

static void
handshake_ready(struct handshake *h)
{
	struct accept_tls *a = h->all;
	struct conn *c = h->conn;

	if (tls_conn_wrap(c, h->tls) < 0) {
		handshake_refuse(h, REASON_LOCAL);
		return;
	}
	h->tls = NULL;
	c->active = loop_now();
	handshake_end(h);
	a->on_ready(a, c);
}

/* Records the fault with the client's address. */
static void
handshake_failed(struct handshake *h)
{
	char peer[ADDR_TEXT], who[ADDR_TEXT + 1];

	snprintf(who, sizeof(who), "%s:", addr_text(conn_origin(h->conn), peer));
	fail_option(who);
	/* a FIN would tell the client that its bytes were taken */
	if (tls_is_unanswered(h->tls))
		sock_reset_at_close(h->conn->source.fd);
	handshake_refuse(h, REASON_NO_TLS);
}

static void
handshake_go_on(struct handshake *h)
{
	struct conn *c = h->conn;
	enum tls_step step = tls_handshake(h->tls);

	if (step == TLS_DONE)
		handshake_ready(h);
	else if (step == TLS_FAILED)
		handshake_failed(h);
	else if (c->ops->watch(c, step == TLS_WANTS_READ ? EPOLLIN :
	    EPOLLOUT) < 0)
		handshake_refuse(h, REASON_LOCAL);
}

static void
on_event(struct conn *c, uint32_t events)
{
	(void)events;
	handshake_go_on(c->user);
}

static void
on_late(struct timer *t)
{
	struct handshake *h = container_of(t, struct handshake, limit);

	fail_as(STATUS_TIMEOUT, "TLS handshake: 10 seconds are over");
	handshake_failed(h);
}

static int
handshake_begin(struct handshake *h)
{
	struct conn *c = h->conn;

	h->tls = tls_new(h->all->context, c->source.fd, NULL);
	if (!h->tls || c->ops->watch(c, EPOLLIN) < 0)
		return -1;
	h->limit.on_timer = on_late;
	return loop_timer_set(h->all->loop, &h->limit, loop_now() + LIMIT_US);
}

int
accept_tls_add(struct accept_tls *a, struct conn *c)
{
	struct handshake *h;

	if (!a->context || !a->context->ssl) {
		a->on_ready(a, c);
		return 0;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return fail("connection");
	h->all = a;
	h->conn = c;
	c->user = h;
	c->on_event = on_event;
	conn_link(c, &a->waiting);
	if (handshake_begin(h) == 0)
		return 0;
	handshake_end(h);
	return -1;
}

void
accept_tls_cut(struct accept_tls *a, enum reason reason)
{
	struct conn *c, *next;

	for (c = a->waiting; c; c = next) {
		next = c->next;
		handshake_refuse(c->user, reason);
	}
}
