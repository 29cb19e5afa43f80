#include "probe/load/attempt_io.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/load/pattern.h"
#include "probe/who/identify.h"
#include "probe/who/peer_name.h"

enum {
	QUIET_NS = 20 * 1000 * 1000,	/* a reply is whole after that */
	CLOSE_US = 250 * 1000,
	PROOF_US = 1000 * 1000,		/* instead: for an end, or a reset */
	GREETING_US = 500 * 1000,	/* while --by auto learns */
	DRAIN_READS = 16,
	PULL_READS = 16,
};

static char buffer[64 * 1024];

void
attempt_io_release(struct attempt *a)
{
	struct loop *l = a->ground->loop;

	loop_timer_cancel(l, &a->limit);
	loop_del(l, &a->source);
	if (a->source.fd >= 0)
		close(a->source.fd);
	a->source.fd = -1;
	a->look_at = 0;
	a->stage = STAGE_IDLE;
}

/* Who answered, by what was said. */
static void
take_name(struct attempt *a)
{
	struct ground *g = a->ground;
	const struct exchange *d = &a->exchange;

	/* of several that --by auto had listen, one may have been silent */
	if (g->plan->by == BY_AUTO && (g->by == BY_AUTO || g->by == BY_NONE))
		g->by = d->greeting == GREETING_SEEN ? BY_BANNER : BY_NONE;
	if (g->by == BY_BANNER && d->greeting == GREETING_SEEN)
		a->result.row = peer_of_greeting(g->tally, d->line,
		    d->line_length);
	if (g->by == BY_REPLY && d->matched)
		a->result.row = peer_of_reply(g->tally, d->name,
		    d->name_length);
}

void
attempt_io_end(struct attempt *a, enum outcome outcome, int error)
{
	struct ground *g = a->ground;
	struct attempt_result result;

	a->result.outcome = outcome;
	a->result.error = error;
	a->result.started = a->started;
	if (outcome == OUT_OK)
		take_name(a);
	a->result.mismatched = outcome == OUT_OK && a->exchange.wrong;
	if (g->who) {
		a->result.predicted = identify_row(g->who, a->predicted_inode);
		if (a->proved && outcome == OUT_OK && a->result.row < 0)
			a->result.row = a->result.predicted;
		else if (!a->proved)
			identify_learn(g->who, a->predicted_inode, &a->result);
	}
	attempt_io_release(a);
	exchange_free(&a->exchange);
	result = a->result;
	g->on_end(a, &result);
}

static enum outcome
outcome_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ENOENT:
		return OUT_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return OUT_RESET;
	case ETIMEDOUT:
		return OUT_TIMEOUT;
	default:
		return OUT_OTHER;
	}
}

void
attempt_io_end_by(struct attempt *a, int error)
{
	attempt_io_end(a, outcome_of(error), error);
}

void
attempt_io_limit(struct attempt *a, int64_t microseconds)
{
	int64_t when = loop_now() + microseconds;

	loop_timer_set(a->ground->loop, &a->limit,
	    when < a->deadline || a->stage == STAGE_CLOSE ? when :
	    a->deadline);
}

void
attempt_io_wake_in(struct attempt *a, int64_t ns)
{
	a->look_at = clock_ns() + ns;
	a->ground->wake(a->ground, a->look_at);
}

/*
 * Whether a process is known to have the connection: the kernel alone says no
 * word, and ends nothing in order.
 */
static bool
is_proven(const struct attempt *a)
{
	return a->served || a->ended || a->result.ns[LATENCY_ACCEPT] >= 0;
}

/*
 * Reads away what comes until the peer's end. A reset is nothing new once it
 * has answered, but if it never did it is how a listener's end looks.
 */
void
attempt_io_drain(struct attempt *a)
{
	ssize_t n = 1;

	for (int i = 0; i < DRAIN_READS && n > 0; i++) {
		n = recv(a->source.fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		a->served |= n > 0;
	}
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	if (n < 0 && a->ground->plan->losses && !a->served)
		attempt_io_end_by(a, errno);
	else
		attempt_io_end(a, OUT_OK, 0);
}

void
attempt_io_leave(struct attempt *a)
{
	a->result.unproven = !is_proven(a);
	attempt_io_end(a, OUT_OK, 0);
}

/* An echo has an end: nothing will follow that could be met by a reset. */
static bool
is_echoed(const struct attempt *a)
{
	return a->ground->plan->echo && !a->exchange.wrong;
}

/* All was said: what is left is to part without a reset. */
void
attempt_io_part(struct attempt *a)
{
	int64_t now = clock_ns() - a->asking;
	const struct plan *p = a->ground->plan;

	if (is_echoed(a))
		a->result.ns[LATENCY_ECHO] = now - a->sent;
	else if (p->send && a->exchange.in)
		a->result.ns[LATENCY_REPLY] = now - a->sent;
	if (!a->mute)
		a->result.took = now - a->started;
	a->look_at = 0;
	if (p->datagram || a->ended || is_echoed(a)) {
		attempt_io_end(a, OUT_OK, 0);
		return;
	}
	a->stage = STAGE_CLOSE;
	shutdown(a->source.fd, SHUT_WR);
	attempt_io_limit(a, p->losses && !is_proven(a) ? PROOF_US : CLOSE_US);
	loop_watch(a->ground->loop, &a->source, EPOLLIN);
}

bool
attempt_io_has_more(const struct attempt *a)
{
	const struct plan *p = a->ground->plan;

	return a->exchange.out < (p->echo ? p->echo : p->send_length);
}

/* Sends what can be sent now. Returns -1 if the attempt has ended. */
int
attempt_io_push(struct attempt *a)
{
	size_t n;

	while ((n = exchange_piece(&a->exchange, buffer, sizeof(buffer)))) {
		ssize_t sent = send(a->source.fd, buffer, n,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno != EAGAIN) {
			attempt_io_end_by(a, errno);
			return -1;
		}
		if (sent < 0)
			break;
		exchange_sent(&a->exchange, (size_t)sent);
	}
	loop_watch(a->ground->loop, &a->source,
	    EPOLLIN | (attempt_io_has_more(a) ? EPOLLOUT : 0));
	return 0;
}

/* Whether the peer's end, now, comes before what was to come. */
static bool
is_early(const struct attempt *a)
{
	const struct plan *p = a->ground->plan;
	bool wanted = p->send || p->expect || p->match ||
	    a->ground->by == BY_BANNER;

	return p->losses && !p->datagram && (p->echo || (wanted && !a->served));
}

/*
 * Reads what there is, but not more than the loop can wait for: an endless
 * reply, and a search in each piece of it, leave time for other attempts.
 * Returns -1 if the attempt has ended.
 */
static int
pull(struct attempt *a)
{
	const struct plan *p = a->ground->plan;
	bool datagram = p->datagram;
	bool searches = !datagram && (p->expect || p->match);
	size_t room = searches ? PATTERN_STEP : sizeof(buffer);
	int reads = searches ? 1 : PULL_READS;

	while (!exchange_is_done(&a->exchange) && reads--) {
		ssize_t n = recv(a->source.fd, buffer, room, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			attempt_io_end_by(a, errno);
			return -1;
		}
		if (!n && is_early(a)) {
			attempt_io_end(a, OUT_ENDED, 0);
			return -1;
		}
		exchange_take(&a->exchange, buffer, (size_t)n);
		a->served |= n > 0;
		a->ended = !n || datagram;
		if (!a->ended)
			continue;
		exchange_end(&a->exchange);
		break;
	}
	return 0;
}

/* The process that accepted may have handed it on. */
static void
ask_again(struct attempt *a)
{
	struct ground *g = a->ground;
	int64_t before;

	if (!a->served || a->result.replied || !g->who || g->by != BY_DIAG ||
	    g->plan->datagram || !a->ours.len)
		return;
	before = clock_ns();
	identify_answer(g->who, &a->ours, a->predicted_inode, a->started,
	    &a->result);
	a->asking = clock_ns() - before;
}

/* A server that has ended can't answer what we would still send. */
void
attempt_io(struct attempt *a)
{
	if (pull(a) < 0)
		return;
	ask_again(a);
	if (a->ended || exchange_is_done(&a->exchange)) {
		attempt_io_part(a);
		return;
	}
	if (exchange_is_loose(&a->exchange))
		attempt_io_wake_in(a, QUIET_NS);
}

void
attempt_io_start(struct attempt *a)
{
	const struct plan *p = a->ground->plan;

	a->stage = STAGE_TALK;
	a->look_at = 0;
	/* an open loop leaves out nothing that a client waits for */
	a->sent = a->ground->plan->rate ? a->started : clock_ns();
	if (exchange_is_done(&a->exchange)) {
		attempt_io_part(a);
		return;
	}
	if (a->exchange.wants_greeting)
		attempt_io_limit(a, a->ground->by == BY_AUTO ? GREETING_US :
		    p->patience);
	else
		attempt_io_limit(a, p->timeout);
	attempt_io_push(a);
}

/* Time is up for what was waited for last. */
void
attempt_io_silence(struct attempt *a)
{
	struct ground *g = a->ground;
	struct exchange *d = &a->exchange;

	if (exchange_is_greeting_left(d)) {
		if (g->by == BY_AUTO)
			g->by = BY_NONE;
		exchange_no_greeting(d);
		a->mute = true;
		if (exchange_is_done(d)) {
			attempt_io_part(a);
			return;
		}
		d->wants_greeting = false;
		attempt_io_limit(a, g->plan->timeout);
		return;
	}
	exchange_settle(d);
	if (g->plan->echo || !d->in) {
		attempt_io_end(a, OUT_TIMEOUT, ETIMEDOUT);
		return;
	}
	exchange_end(d);
	attempt_io_part(a);
}
