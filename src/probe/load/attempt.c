/*
 * One connection, from connect(2) to its result. Its stages:
 *
 *	stage	what it does			ends when
 *	IDLE	nothing				attempt_start() is called
 *	CONNECT	non-blocking connect(2)		it has connected
 *	PROXY	asks each proxy to connect	the last one has connected to
 *		to what is behind it		the server
 *	OBSERVE	asks the kernel which process	the kernel says so, or has no
 *		accepted			such connection
 *	TLS	makes the handshake		it is done
 *	HOLD	nothing				plan->hold is over since it
 *						connected
 *	TALK	sends and reads			the exchange is done
 *	CLOSE	has sent FIN and reads on	the peer's FIN has come
 *
 * PROXY is left out without proxies. OBSERVE is left out if the kernel is not
 * asked, as behind a proxy, where this host need not have the server's end of
 * the connection. TLS and HOLD are left out if the plan has none. CONNECT and
 * PROXY share one limit, and TLS has what they leave of it; each other stage
 * has its own. There is one timer for it; tick_at is for times that must be
 * finer.
 * attempt_end() leaves any stage for IDLE: it reports the result to on_end,
 * which may start the attempt again. So a caller of a function that may end
 * the attempt does not touch the attempt afterwards.
 *
 * A PROXY header is sent as soon as the connection is there: the server may
 * read it before it accepts for its program.
 *
 * The kernel is first asked when every attempt that can start has started. The
 * next questions have growing gaps between them. Nothing is sent in OBSERVE,
 * because a server that answers and closes would be gone before it is found.
 * CLOSE reads on, because a socket that is closed with unread data sends RST.
 *
 * The load owns the struct; the attempt owns its socket and its exchange.
 */
#include "probe/load/attempt_internal.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/container.h"
#include "net/proxy_send.h"
#include "net/sock.h"
#include "net/sources.h"
#include "probe/who/identify.h"

enum {
	OBSERVE_FIRST_NS = 50 * 1000,
	OBSERVE_LAST_NS = 5 * 1000 * 1000,
	HIDDEN_NS = 10 * 1000 * 1000,	/* between two searches of /proc */
	HIDDEN_PATIENCE_US = 300 * 1000,
	DEFERRED_US = 20 * 1000,	/* longer than an ACK is under way */
	BACKLOG_NS = 1000 * 1000,	/* a Unix socket's backlog is full */
	REOPENED = 16,			/* times that a chosen port is taken */
	HELD_NS = 10 * 1000 * 1000,	/* the source port is still in use */
};

void
attempt_drop(struct attempt *a)
{
	if (a->stage == STAGE_IDLE)
		return;
	attempt_release(a);
	exchange_free(&a->exchange);
}

/* Decides --by auto; a banner is only certain once a greeting has come. */
static void
by_settle(struct attempt *a, enum by by)
{
	struct attempt_shared *s = a->shared;

	if (s->by != BY_AUTO)
		return;
	if (by == BY_BANNER) {
		a->exchange.wants_greeting = !s->plan->datagram;
		return;
	}
	s->by = by;
}

/* Begins TLS, or talks without it. */
static void
attempt_secure(struct attempt *a)
{
	if (!a->shared->plan->tls || attempt_tls_begin(a) > 0)
		attempt_talk(a);
}

static void
observed_found(struct attempt *a, int64_t now)
{
	by_settle(a, BY_DIAG);
	if (a->result.ns[LATENCY_ACCEPT] < 0)
		a->result.ns[LATENCY_ACCEPT] = now - a->connected;
	attempt_secure(a);
}

/* The server has closed already, or is not on this host after all. */
static void
observed_gone(struct attempt *a)
{
	by_settle(a, identify_has_group(a->shared->identify) ? BY_DIAG :
	    BY_BANNER);
	attempt_secure(a);
}

/* Until then the socket reports nothing but an error, such as a reset. */
static void
observe_later(struct attempt *a, int64_t ns)
{
	attempt_watch(a, 0);
	attempt_tick_in(a, ns);
}

/* Accepted, by a process that is not known yet. */
static void
observed_hidden(struct attempt *a, int64_t now, int64_t waited)
{
	if (a->result.ns[LATENCY_ACCEPT] < 0)
		a->result.ns[LATENCY_ACCEPT] = now - a->connected;
	by_settle(a, BY_DIAG);
	if (waited < HIDDEN_PATIENCE_US &&
	    identify_is_hopeful(a->shared->identify))
		observe_later(a, HIDDEN_NS);
	else
		observed_gone(a);
}

static void
observed_queued(struct attempt *a, int64_t waited)
{
	if (waited >= a->shared->plan->patience || loop_now() >= a->deadline) {
		by_settle(a, BY_DIAG);
		attempt_end(a, OUT_QUEUED, 0);
		return;
	}
	observe_later(a, a->observe_gap);
	a->observe_gap *= 2;
	if (a->observe_gap > OBSERVE_LAST_NS)
		a->observe_gap = OBSERVE_LAST_NS;
}

/* Whether our end sends first. */
static bool
attempt_speaks(const struct attempt *a)
{
	return a->shared->plan->tls || attempt_has_more(a);
}

/*
 * Whether the server waits for data before it accepts (TCP_DEFER_ACCEPT). Data
 * of --send, --echo or TLS is sent in any case: then it accepts.
 */
static bool
is_deferred(const struct attempt *a, int64_t waited)
{
	return attempt_speaks(a) || (waited >= DEFERRED_US &&
	    identify_is_deferred(a->shared->identify, a->predicted_inode));
}

static void
attempt_observe(struct attempt *a)
{
	int answer = identify_observe(a->shared->identify, &a->ours,
	    a->predicted_inode, a->started, &a->result);
	int64_t now = clock_ns(), waited = (now - a->connected) / 1000;

	if (answer == OBSERVED_FOUND) {
		observed_found(a, now);
	} else if (answer == OBSERVED_GONE || answer < 0) {
		a->vanished = answer == OBSERVED_GONE && !a->served &&
		    identify_has_group(a->shared->identify);
		observed_gone(a);
	} else if (answer == OBSERVED_HIDDEN) {
		observed_hidden(a, now, waited);
	} else if (answer == OBSERVED_DEFERRED && is_deferred(a, waited)) {
		a->result.deferred = !attempt_speaks(a);
		observed_gone(a);
	} else {
		observed_queued(a, waited);
	}
}

/*
 * Whether the source port may be the target port. Without --sport connect(2)
 * chooses it from a range: for a target outside, the question is not worth a
 * system call.
 */
static bool
is_self_possible(const struct attempt *a)
{
	const struct attempt_shared *s = a->shared;

	return s->identify || sources_flows(s->plan->sources) > 0 ||
	    ephemeral_ports_have(&s->ports, addr_port(&s->target));
}

/* The source port was the target port, and connected to itself. */
static bool
attempt_is_self(struct attempt *a)
{
	if (a->ours.len)
		return addr_equal(&a->ours, &a->shared->target);
	a->ours.len = sizeof(a->ours.un);
	if (getsockname(a->source.fd, &a->ours.sa, &a->ours.len) < 0)
		a->ours.len = 0;
	return a->ours.len && a->ours.sa.sa_family != AF_UNIX &&
	    addr_equal(&a->ours, &a->shared->target);
}

static bool
is_kernel_asked(const struct attempt *a)
{
	const struct attempt_shared *s = a->shared;

	return s->identify && (s->by == BY_DIAG || s->by == BY_AUTO) &&
	    !s->plan->datagram;
}

/*
 * Asks which listener has the half-open connection, and then sends the ACK that
 * TCP_DEFER_ACCEPT held back: the server can accept only now.
 */
static void
attempt_verify(struct attempt *a)
{
	a->verified = identify_verify(a->shared->identify, &a->ours,
	    &a->predicted_inode);
	sock_set_int(a->source.fd, IPPROTO_TCP, TCP_QUICKACK, 1);
	a->connected = clock_ns();
}

static void
attempt_on_reached(struct attempt *a)
{
	const struct attempt_shared *s = a->shared;

	s->on_connect(a);
	a->deadline = loop_now() + s->plan->hold + s->plan->timeout;
	loop_timer_cancel(s->loop, &a->limit);
	if (a->verifying)
		attempt_verify(a);
	if (proxy_send(a->source.fd, s->plan->proxy) < 0) {
		attempt_end_by(a, errno);
		return;
	}
	if (is_kernel_asked(a)) {
		a->stage = STAGE_OBSERVE;
		attempt_tick_in(a, 0);
		return;
	}
	if (!s->identify)
		by_settle(a, BY_BANNER);
	attempt_secure(a);
}

static void
attempt_on_connected(struct attempt *a)
{
	const struct attempt_shared *s = a->shared;

	a->connected = clock_ns();
	if (is_self_possible(a) && attempt_is_self(a)) {
		attempt_end_by(a, ECONNREFUSED);
		return;
	}
	if (!s->plan->datagram)
		a->result.ns[LATENCY_CONNECT] = a->connected - a->started;
	if (!s->route || attempt_proxies_begin(a) > 0)
		attempt_on_reached(a);
}

static void
attempt_on_connect_event(struct attempt *a)
{
	int error = sock_get_int(a->source.fd, SOL_SOCKET, SO_ERROR, 0);

	attempt_watch(a, 0);
	if (error)
		attempt_end_unconnected(a, error);
	else
		attempt_on_connected(a);
}

static void
attempt_on_mute_error(struct attempt *a)
{
	int error = sock_get_int(a->source.fd, SOL_SOCKET, SO_ERROR, 0);

	attempt_end_by(a, error ? error : ECONNRESET);
}

static void
attempt_on_event(struct source *s, uint32_t events)
{
	struct attempt *a = container_of(s, struct attempt, source);

	switch (a->stage) {
	case STAGE_CONNECT:
		attempt_on_connect_event(a);
		break;
	case STAGE_PROXY:
		if (attempt_proxies_go_on(a) > 0)
			attempt_on_reached(a);
		break;
	case STAGE_OBSERVE:
	case STAGE_HOLD:
		attempt_on_mute_error(a);
		break;
	case STAGE_TLS:
		if (attempt_tls_go_on(a) > 0)
			attempt_talk(a);
		break;
	case STAGE_TALK:
		if ((!(events & EPOLLOUT) && !a->tls) || attempt_send(a) == 0)
			attempt_receive(a);
		break;
	case STAGE_CLOSE:
		attempt_drain(a);
		break;
	case STAGE_IDLE:
		break;
	}
}

static bool
is_on_the_way(const struct attempt *a)
{
	return a->stage == STAGE_CONNECT || a->stage == STAGE_PROXY ||
	    a->stage == STAGE_TLS;
}

static void
attempt_on_more(struct timer *t)
{
	struct attempt *a = container_of(t, struct attempt, more);

	attempt_on_event(&a->source, EPOLLIN);
}

static void
attempt_on_limit(struct timer *t)
{
	struct attempt *a = container_of(t, struct attempt, limit);

	if (a->stage == STAGE_CONNECT && a->held)
		attempt_end(a, OUT_OTHER, EADDRNOTAVAIL);
	else if (is_on_the_way(a))
		attempt_end(a, OUT_TIMEOUT, ETIMEDOUT);
	else if (a->stage == STAGE_CLOSE)
		attempt_leave(a);
	else if (a->stage == STAGE_TALK)
		attempt_on_silence(a);
}

/* The last connection from a given source port may not be over yet. */
static bool
is_port_held(const struct attempt *a)
{
	return errno == EADDRNOTAVAIL && !a->shared->plan->local &&
	    sources_flows(a->shared->plan->sources) > 0;
}

/* The predicted port was taken meanwhile, or is in TIME_WAIT. */
static bool
is_port_taken(const struct attempt *a)
{
	return !a->unbound && a->ours.len &&
	    (errno == EADDRNOTAVAIL || errno == EADDRINUSE);
}

static int
attempt_reopen(struct attempt *a)
{
	struct identify *w = a->shared->identify;

	if (a->source.fd >= 0)
		close(a->source.fd);
	if (a->chosen_inode)
		identify_give_back(w, a->chosen_inode);
	a->source.fd = attempt_socket(a);
	a->chosen_inode = w && identify_take(w, a->predicted_inode) ?
	    a->predicted_inode : 0;
	a->verified = false;
	a->verifying = a->predicted_inode && is_kernel_asked(a) &&
	    identify_wants_verifying(a->shared->identify);
	if (a->verifying)
		sock_set_int(a->source.fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
	return a->source.fd < 0 ? -1 : 0;
}

static void
attempt_connect(struct attempt *a)
{
	const struct addr *to = &a->shared->target;

	if (a->held)
		a->started = clock_ns();
	a->held = false;
	if (sock_connect(a->source.fd, to) == 0) {
		attempt_on_connected(a);
	} else if (is_port_held(a)) {
		a->held = true;
		attempt_tick_in(a, HELD_NS);
	} else if (errno == EAGAIN && a->shared->plan->local) {
		attempt_tick_in(a, BACKLOG_NS);
	} else if (is_port_taken(a)) {
		a->unbound = !a->chosen_inode || ++a->reopened > REOPENED;
		if (attempt_reopen(a) < 0)
			attempt_end_by(a, errno);
		else
			attempt_connect(a);
	} else if (errno != EINPROGRESS) {
		attempt_end_unconnected(a, errno);
	} else {
		attempt_watch(a, EPOLLOUT);
	}
}

void
attempt_start(struct attempt *a, uint64_t id, int64_t intended)
{
	struct attempt_shared *s = a->shared;
	const struct plan *p = s->plan;
	int64_t now;

	a->source.fd = -1;
	a->source.on_event = attempt_on_event;
	a->limit.on_timer = attempt_on_limit;
	a->more.on_timer = attempt_on_more;
	a->stage = STAGE_CONNECT;
	a->tick_at = a->asking = 0;
	a->observe_gap = OBSERVE_FIRST_NS;
	a->peer_ended = a->unbound = a->held = false;
	a->chosen_inode = 0;
	a->reopened = 0;
	a->served = a->mute = a->vanished = a->shut = false;
	a->started = intended ? intended : clock_ns();
	a->result = (struct attempt_result){
		.number = id, .row = -1, .predicted = -1, .accepted = -1,
		.due = -1, .took = -1,
	};
	for (int i = 0; i < LATENCIES; i++)
		a->result.ns[i] = -1;
	exchange_start(&a->exchange, p, id, s->by == BY_BANNER);
	a->connect_by = loop_now() + p->connect_timeout;
	a->deadline = loop_now() + (p->connect_timeout < p->timeout ?
	    p->connect_timeout : p->timeout);
	if (attempt_reopen(a) < 0) {
		attempt_end(a, OUT_OTHER, errno);
		return;
	}
	attempt_limit(a, p->connect_timeout);
	while ((now = clock_ns()) < intended)
		;
	a->started = intended ? intended : now;
	if (intended)
		a->result.ns[LATENCY_LATE] = now - intended;
	attempt_connect(a);
}

void
attempt_hasten(struct attempt *a, int64_t microseconds)
{
	if (is_on_the_way(a) && a->limit.when > loop_now() + microseconds)
		attempt_limit(a, microseconds);
}

int64_t
attempt_tick(struct attempt *a, int64_t now)
{
	if (!a->tick_at || a->tick_at > now)
		return a->tick_at;
	a->tick_at = 0;
	if (a->stage == STAGE_CONNECT) {
		attempt_connect(a);
	} else if (a->stage == STAGE_OBSERVE) {
		attempt_observe(a);
	} else if (a->stage == STAGE_HOLD) {
		attempt_talk(a);
	} else if (a->stage == STAGE_TALK) {
		exchange_settle(&a->exchange);
		if (exchange_is_done(&a->exchange))
			attempt_close(a);
	}
	return a->tick_at;
}
