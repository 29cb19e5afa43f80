#include "probe/load/attempt.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/container.h"
#include "net/sock.h"
#include "net/sources.h"
#include "probe/load/attempt_io.h"
#include "probe/load/attempt_socket.h"
#include "probe/who/identify.h"

/*
 * How it works: an attempt goes through these stages, and leaves them all by
 * attempt_io_end(), which tells the result and may start the attempt anew:
 * whoever calls what may end it touches it no more.
 *
 *	CONNECT	a non-blocking connect(2). On loopback it is over at once.
 *	LOOK	the kernel is asked who accepted, as soon as all that can be
 *		started is, and then ever more seldom, until it says so.
 *		Nothing is sent meanwhile, so that a server that answers and
 *		closes can't be gone before.
 *	TALK	send, and read until the dialogue is done.
 *	CLOSE	FIN, then read to the peer's end, but not for long: a socket
 *		that is closed with something unread would send RST.
 *
 * One timer is the limit of the stage; look_at is for what must be finer.
 */

enum {
	LOOK_FIRST_NS = 50 * 1000,
	LOOK_LAST_NS = 5 * 1000 * 1000,
	HIDDEN_NS = 10 * 1000 * 1000,	/* a look through all of /proc */
	DEFERRED_US = 20 * 1000,	/* an ACK is under way no longer */
	HIDDEN_PATIENCE_US = 300 * 1000,
	RETRY_NS = 1000 * 1000,		/* a full Unix backlog */
	HELD_NS = 10 * 1000 * 1000,	/* a port that is in use yet */
};

void
attempt_drop(struct attempt *a)
{
	if (a->stage == STAGE_IDLE)
		return;
	attempt_io_release(a);
	exchange_free(&a->exchange);
}

/* What --by auto does: the first ones have learned it. */
static void
settle_by(struct attempt *a, enum by by)
{
	struct ground *g = a->ground;

	if (g->by != BY_AUTO)
		return;
	if (by == BY_BANNER) {
		a->exchange.wants_greeting = !g->plan->datagram;
		return;
	}
	g->by = by;
}

static void
found(struct attempt *a, int64_t now)
{
	settle_by(a, BY_DIAG);
	a->looked = true;
	if (a->result.ns[LATENCY_ACCEPT] < 0)
		a->result.ns[LATENCY_ACCEPT] = now - a->connected;
	attempt_io_start(a);
}

/* The server has closed already, or is not of this host after all. */
static void
gone(struct attempt *a)
{
	a->looked = true;
	settle_by(a, identify_has_group(a->ground->who) ? BY_DIAG : BY_BANNER);
	attempt_io_start(a);
}

/* Meanwhile it may be reset. */
static void
look_in(struct attempt *a, int64_t ns)
{
	loop_watch(a->ground->loop, &a->source, 0);
	attempt_io_wake_in(a, ns);
}

static void
look_again(struct attempt *a, int64_t now, int answer)
{
	int64_t waited = (now - a->connected) / 1000;

	if (answer == LOOK_DEFERRED && (attempt_io_has_more(a) ||
	    (waited >= DEFERRED_US && identify_is_deferred(a->ground->who,
	    a->predicted_inode)))) {
		a->result.deferred = !attempt_io_has_more(a);
		gone(a);
		return;
	}
	if (answer == LOOK_HIDDEN) {
		if (a->result.ns[LATENCY_ACCEPT] < 0)
			a->result.ns[LATENCY_ACCEPT] = now - a->connected;
		settle_by(a, BY_DIAG);
		if (waited < HIDDEN_PATIENCE_US &&
		    identify_is_hopeful(a->ground->who))
			look_in(a, HIDDEN_NS);
		else
			gone(a);
		return;
	}
	if (waited >= a->ground->plan->patience || loop_now() >= a->deadline) {
		settle_by(a, BY_DIAG);
		attempt_io_end(a, OUT_QUEUED, 0);
		return;
	}
	look_in(a, a->gap);
	a->gap = a->gap * 2 < LOOK_LAST_NS ? a->gap * 2 : LOOK_LAST_NS;
}

static void
look(struct attempt *a)
{
	int answer = identify_look(a->ground->who, &a->ours, a->predicted_inode,
	    a->started, &a->result);
	int64_t now = clock_ns();

	if (answer == LOOK_FOUND)
		found(a, now);
	else if (answer == LOOK_GONE || answer < 0)
		gone(a);
	else
		look_again(a, now, answer);
}

/* A port of ours that connects to itself: nobody listens there. */
static bool
is_self(struct attempt *a)
{
	if (a->ours.len)
		return addr_equal(&a->ours, &a->ground->target);
	a->ours.len = sizeof(a->ours.un);
	if (getsockname(a->source.fd, &a->ours.sa, &a->ours.len) < 0)
		a->ours.len = 0;
	return a->ours.len && a->ours.sa.sa_family != AF_UNIX &&
	    addr_equal(&a->ours, &a->ground->target);
}

static bool
is_asked(const struct attempt *a)
{
	const struct ground *g = a->ground;

	return g->who && (g->by == BY_DIAG || g->by == BY_AUTO) &&
	    !g->plan->datagram;
}

/* The server has to wait for the last packet, and only then accepts. */
static void
prove(struct attempt *a)
{
	a->proved = identify_prove(a->ground->who, &a->ours,
	    &a->predicted_inode);
	sock_set_int(a->source.fd, IPPROTO_TCP, TCP_QUICKACK, 1);
	a->connected = clock_ns();
}

static void
on_connected(struct attempt *a)
{
	const struct ground *g = a->ground;

	a->connected = clock_ns();
	if (is_self(a)) {
		attempt_io_end_by(a, ECONNREFUSED);
		return;
	}
	if (!g->plan->datagram)
		a->result.ns[LATENCY_CONNECT] = a->connected - a->started;
	g->on_connect(a);
	a->deadline = loop_now() + g->plan->timeout;
	loop_timer_cancel(g->loop, &a->limit);
	if (a->proving)
		prove(a);
	if (is_asked(a)) {
		a->stage = STAGE_LOOK;
		attempt_io_wake_in(a, 0);
		return;
	}
	if (!g->who)
		settle_by(a, BY_BANNER);
	attempt_io_start(a);
}

static void
on_connect_event(struct attempt *a)
{
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(a->source.fd, SOL_SOCKET, SO_ERROR, &error, &size);
	loop_watch(a->ground->loop, &a->source, 0);
	if (error)
		attempt_io_end_by(a, error);
	else
		on_connected(a);
}

static void
on_look_error(struct attempt *a)
{
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(a->source.fd, SOL_SOCKET, SO_ERROR, &error, &size);
	attempt_io_end_by(a, error ? error : ECONNRESET);
}

static void
on_event(struct source *s, uint32_t events)
{
	struct attempt *a = container_of(s, struct attempt, source);

	switch (a->stage) {
	case STAGE_CONNECT:
		on_connect_event(a);
		break;
	case STAGE_LOOK:
		on_look_error(a);
		break;
	case STAGE_TALK:
		if (!(events & EPOLLOUT) || attempt_io_push(a) == 0)
			attempt_io(a);
		break;
	case STAGE_CLOSE:
		attempt_io_drain(a);
		break;
	case STAGE_IDLE:
		break;
	}
}

static void
on_limit(struct timer *t)
{
	struct attempt *a = container_of(t, struct attempt, limit);

	if (a->stage == STAGE_CONNECT && a->held)
		attempt_io_end(a, OUT_OTHER, EADDRNOTAVAIL);
	else if (a->stage == STAGE_CONNECT)
		attempt_io_end(a, OUT_TIMEOUT, ETIMEDOUT);
	else if (a->stage == STAGE_CLOSE)
		attempt_io_leave(a);
	else if (a->stage == STAGE_TALK)
		attempt_io_silence(a);
}

/* A port that was asked for: its last connection may not be over yet. */
static bool
is_held(const struct attempt *a)
{
	return errno == EADDRNOTAVAIL && !a->ground->plan->local &&
	    sources_flows(a->ground->plan->sources) > 0;
}

/* A port that was taken meanwhile, or is still in TIME_WAIT: any other. */
static bool
is_port_taken(const struct attempt *a)
{
	return !a->unbound && a->ours.len &&
	    (errno == EADDRNOTAVAIL || errno == EADDRINUSE);
}

static int
reopen(struct attempt *a)
{
	if (a->source.fd >= 0)
		close(a->source.fd);
	a->source.fd = attempt_socket(a->ground, a->unbound, &a->ours,
	    &a->predicted_inode);
	a->proved = false;
	a->proving = a->predicted_inode && is_asked(a) &&
	    identify_wants_proof(a->ground->who);
	if (a->proving)
		sock_set_int(a->source.fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
	return a->source.fd < 0 ? -1 : 0;
}

static void
try_connect(struct attempt *a)
{
	const struct addr *to = &a->ground->target;

	if (a->held)
		a->started = clock_ns();
	a->held = false;
	if (sock_connect(a->source.fd, to) == 0) {
		on_connected(a);
	} else if (is_held(a)) {
		a->held = true;
		attempt_io_wake_in(a, HELD_NS);
	} else if (errno == EAGAIN && a->ground->plan->local) {
		attempt_io_wake_in(a, RETRY_NS);
	} else if (is_port_taken(a)) {
		a->unbound = true;
		if (reopen(a) < 0)
			attempt_io_end_by(a, errno);
		else
			try_connect(a);
	} else if (errno != EINPROGRESS) {
		attempt_io_end_by(a, errno);
	} else {
		loop_watch(a->ground->loop, &a->source, EPOLLOUT);
	}
}

void
attempt_start(struct attempt *a, uint64_t id, int64_t intended)
{
	struct ground *g = a->ground;
	const struct plan *p = g->plan;
	int64_t now;

	a->source.fd = -1;
	a->source.on_event = on_event;
	a->limit.on_timer = on_limit;
	a->stage = STAGE_CONNECT;
	a->look_at = a->asking = 0;
	a->gap = LOOK_FIRST_NS;
	a->ended = a->looked = a->unbound = a->held = false;
	a->served = a->mute = false;
	a->started = intended ? intended : clock_ns();
	a->result = (struct attempt_result){
		.number = id, .row = -1, .predicted = -1, .accepted = -1,
		.took = -1,
		.ns = { -1, -1, -1, -1, -1 },
	};
	exchange_start(&a->exchange, p, id, g->by == BY_BANNER);
	a->deadline = loop_now() + (p->connect_timeout < p->timeout ?
	    p->connect_timeout : p->timeout);
	if (reopen(a) < 0) {
		attempt_io_end(a, OUT_OTHER, errno);
		return;
	}
	attempt_io_limit(a, p->connect_timeout);
	while ((now = clock_ns()) < intended)
		;
	a->started = intended ? intended : now;
	if (intended)
		a->result.ns[LATENCY_LATE] = now - intended;
	try_connect(a);
}

void
attempt_hasten(struct attempt *a, int64_t microseconds)
{
	if (a->stage == STAGE_CONNECT &&
	    a->limit.when > loop_now() + microseconds)
		attempt_io_limit(a, microseconds);
}

int64_t
attempt_tick(struct attempt *a, int64_t now)
{
	if (!a->look_at || a->look_at > now)
		return a->look_at;
	a->look_at = 0;
	if (a->stage == STAGE_CONNECT) {
		try_connect(a);
	} else if (a->stage == STAGE_LOOK) {
		look(a);
	} else if (a->stage == STAGE_TALK) {
		exchange_settle(&a->exchange);
		if (exchange_is_done(&a->exchange))
			attempt_io_part(a);
	}
	return a->look_at;
}
