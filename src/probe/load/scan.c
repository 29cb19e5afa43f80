/*
 * Scans many ports. A try connects to the addresses of one port, one after the
 * other.
 *
 *	state		ends when
 *	idle		scan_fill() gives it a port
 *	connecting	connected; or refused or timed out: next address, or idle
 *	asking		the proxies have connected, or failed; as connecting
 *	draining	FIN was sent; the peer's end, or a short limit, came
 *
 * It drains because a socket that is closed with unread data sends RST. All
 * addresses of a port together have the time limit of one.
 */
#include "probe/load/scan.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "net/proxy_handshake.h"
#include "net/sock.h"
#include "net/sources.h"

enum {
	BURST = 64,			/* starts before events are served */
	DRAIN_US = 250 * 1000,
};

enum try_state { TRY_CONNECTING, TRY_ASKING, TRY_DRAINING };

struct scan_try {
	struct source source;
	struct timer limit;
	struct scan *scan;
	struct scan_port *port;
	int address;
	struct addr to;
	int64_t started;
	enum try_state state;
	struct proxy_handshake proxies;	/* asking */
	struct endpoint server;		/* the port's, for the proxies */
	struct addr known;		/* its address; len 0: by name */
	struct scan_try *next;		/* idle ones */
	int64_t deadline;		/* for all addresses of the port */
};

static void try_connect(struct scan_try *);

static void
try_release(struct scan_try *t)
{
	loop_timer_cancel(t->scan->loop, &t->limit);
	loop_del(t->scan->loop, &t->source);
	proxy_handshake_end(&t->proxies);
	if (t->source.fd >= 0)
		close(t->source.fd);
	t->source.fd = -1;
}

static void
scan_begin(struct scan *s)
{
	struct scan_try *t = s->idle;

	s->idle = t->next;
	s->in_flight++;
	t->port = &s->ports[s->next++];
	t->address = 0;
	try_connect(t);
}

static void
scan_fill(struct scan *s)
{
	int i = 0;

	if (s->filling)
		return;
	s->filling = true;
	while (s->idle && s->next < s->count && i++ < BURST)
		scan_begin(s);
	s->filling = false;
	if (s->idle && s->next < s->count)
		loop_timer_set(s->loop, &s->again, loop_now());
	else if (!s->in_flight && s->next == s->count)
		s->on_done(s);
}

static void
scan_on_again(struct timer *t)
{
	scan_fill(container_of(t, struct scan, again));
}

static void
try_end(struct scan_try *t)
{
	struct scan *s = t->scan;

	try_release(t);
	t->next = s->idle;
	s->idle = t;
	s->in_flight--;
	scan_fill(s);
}

/* An address that refused counts more than one that was silent. */
static void
try_record(struct scan_try *t, enum scan_state state, int error,
    const char *reason)
{
	struct scan_port *p = t->port;

	if (p->state == SCAN_CLOSED && state == SCAN_SILENT)
		return;
	p->state = state;
	p->error = error;
	p->us = loop_now() - t->started;
	p->address = t->scan->route ? t->known : t->to;
	free(p->reason);
	p->reason = reason ? strdup(reason) : NULL;
}

static void
try_next(struct scan_try *t)
{
	try_release(t);
	if (++t->address < t->scan->addresses.count)
		try_connect(t);
	else
		try_end(t);
}

/* The first proxy can't be reached; the ports are not known. */
static void
try_record_proxy(struct scan_try *t, int error)
{
	char text[ENDPOINT_TEXT + 80];

	snprintf(text, sizeof(text), "%s: %s",
	    t->scan->route->chain->hop[0].name, strerror(error));
	try_record(t, SCAN_SILENT, error, error == ETIMEDOUT ? NULL : text);
}

static void
try_on_failure(struct scan_try *t, int error)
{
	bool closed = error == ECONNREFUSED || error == ECONNRESET;

	if (t->scan->route)
		try_record_proxy(t, error);
	else
		try_record(t, closed ? SCAN_CLOSED : SCAN_SILENT, error, NULL);
	try_next(t);
}

/* The source port was the target port, and connected to itself. */
static bool
try_is_self(const struct scan_try *t)
{
	struct addr ours = { .len = sizeof(ours.un) };

	return getsockname(t->source.fd, &ours.sa, &ours.len) == 0 &&
	    addr_equal(&ours, &t->to);
}

static void
try_on_open(struct scan_try *t)
{
	try_record(t, SCAN_OPEN, 0, NULL);
	t->state = TRY_DRAINING;
	shutdown(t->source.fd, SHUT_WR);
	loop_watch(t->scan->loop, &t->source, EPOLLIN);
	loop_timer_set(t->scan->loop, &t->limit, loop_now() + DRAIN_US);
}

static void
try_ask(struct scan_try *t)
{
	struct loop *l = t->scan->loop;

	switch (proxy_handshake(&t->proxies, t->source.fd)) {
	case HANDSHAKE_WANTS_READ:
		loop_watch(l, &t->source, EPOLLIN);
		break;
	case HANDSHAKE_WANTS_WRITE:
		loop_watch(l, &t->source, EPOLLOUT);
		break;
	case HANDSHAKE_FAILED:
		try_record(t, t->proxies.refused ? SCAN_CLOSED : SCAN_SILENT,
		    0, fail_text());
		try_next(t);
		break;
	case HANDSHAKE_DONE:
		try_on_open(t);
		break;
	}
}

/* The proxies are asked for the port, by the route's address or name. */
static void
try_on_proxy(struct scan_try *t)
{
	const struct proxy_route *r = t->scan->route;

	t->state = TRY_ASKING;
	if (proxy_handshake_begin(&t->proxies, r, &t->server, t->known.len ?
	    &t->known : NULL) < 0)
		try_on_failure(t, ENOMEM);
	else
		try_ask(t);
}

static void
try_on_connected(struct scan_try *t)
{
	if (try_is_self(t))
		try_on_failure(t, ECONNREFUSED);
	else if (t->scan->route)
		try_on_proxy(t);
	else
		try_on_open(t);
}

static void
try_drain(struct scan_try *t)
{
	char buffer[4096];
	ssize_t n = read(t->source.fd, buffer, sizeof(buffer));

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		try_end(t);
}

static void
try_on_event(struct source *source, uint32_t events)
{
	struct scan_try *t = container_of(source, struct scan_try, source);
	int error = 0;

	(void)events;
	if (t->state == TRY_CONNECTING)
		error = sock_get_int(source->fd, SOL_SOCKET, SO_ERROR, 0);
	if (error)
		try_on_failure(t, error);
	else if (t->state == TRY_CONNECTING)
		try_on_connected(t);
	else if (t->state == TRY_ASKING)
		try_ask(t);
	else
		try_drain(t);
}

static void
try_on_limit(struct timer *timer)
{
	struct scan_try *t = container_of(timer, struct scan_try, limit);

	if (t->state == TRY_DRAINING)
		try_end(t);
	else
		try_on_failure(t, ETIMEDOUT);
}

static int
try_open(struct scan_try *t)
{
	const struct scan *s = t->scan;
	int family = t->to.sa.sa_family;
	struct addr from;

	t->source.fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (t->source.fd < 0 || sock_device(t->source.fd, s->interface) < 0 ||
	    sockopts_set(s->sockopts, t->source.fd) < 0 ||
	    sources_next(s->sources, family, &from) < 0)
		return -1;
	if (!from.len)
		return 0;
	sock_set_int(t->source.fd, SOL_SOCKET, SO_REUSEADDR, 1);
	sock_set_int(t->source.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return bind(t->source.fd, &from.sa, from.len);
}

/* The time for this address: its part of what is left. */
static int64_t
try_limit(struct scan_try *t)
{
	if (t->address == 0)
		t->deadline = t->started + t->scan->timeout;
	return (t->deadline - t->started) /
	    (t->scan->addresses.count - t->address);
}

/* Sets the address to connect to, and the one that the last proxy gets. */
static void
try_aim(struct scan_try *t)
{
	const struct proxy_route *r = t->scan->route;
	const struct addr *known = r ? proxy_route_server(r, t->address) : NULL;

	t->to = t->scan->addresses.at[t->address];
	if (!r) {
		addr_set_port(&t->to, t->port->port);
		return;
	}
	t->server = *r->server;
	t->server.port = t->port->port;
	t->known = known ? *known : (struct addr){ 0 };
	if (known)
		addr_set_port(&t->known, t->port->port);
}

static void
try_connect(struct scan_try *t)
{
	struct scan *s = t->scan;

	t->state = TRY_CONNECTING;
	try_aim(t);
	t->started = loop_now();
	if (try_open(t) < 0) {
		try_on_failure(t, errno);
		return;
	}
	t->started = loop_now();
	loop_timer_set(s->loop, &t->limit, t->started + try_limit(t));
	if (sock_connect(t->source.fd, &t->to) == 0)
		try_on_connected(t);
	else if (errno != EINPROGRESS)
		try_on_failure(t, errno);
	else
		loop_watch(s->loop, &t->source, EPOLLOUT);
}

int
scan_open(struct scan *s, struct loop *l)
{
	s->loop = l;
	s->again.on_timer = scan_on_again;
	s->tries = calloc((size_t)s->concurrency, sizeof(*s->tries));
	if (!s->tries)
		return fail("scan");
	for (int i = s->concurrency; i-- > 0;) {
		struct scan_try *t = &s->tries[i];

		t->scan = s;
		t->source.fd = -1;
		t->source.on_event = try_on_event;
		t->limit.on_timer = try_on_limit;
		t->next = s->idle;
		s->idle = t;
	}
	return loop_timer_set(l, &s->again, loop_now());
}

void
scan_close(struct scan *s)
{
	loop_timer_cancel(s->loop, &s->again);
	for (int i = 0; s->tries && i < s->concurrency; i++)
		try_release(&s->tries[i]);
	free(s->tries);
}
