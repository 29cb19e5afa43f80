/*
 * The stages HOLD, TALK and CLOSE of an attempt, and its end: see attempt.c.
 *
 * TALK ends when the exchange is done, which may need a moment of silence
 * (QUIET_NS), or at the stage's limit. If a greeting is awaited, the limit is
 * first the one of the greeting.
 *
 * With plan->losses the end of a connection matters: a reset before anything
 * was received is a loss, because that is how a connection ends that a closing
 * listener still had in its queue.
 */
#include "probe/load/attempt_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "probe/load/pattern.h"
#include "probe/who/identify.h"
#include "probe/who/peer_name.h"
#include "tls/tls.h"

enum {
	QUIET_NS = 20 * 1000 * 1000,	/* after that a reply is complete */
	CLOSE_US = 250 * 1000,
	CLOSE_LOSSES_US = 1000 * 1000,	/* instead, if losses are looked for */
	GREETING_US = 500 * 1000,	/* while --by auto learns */
	DRAIN_READS = 16,
	PULL_READS = 16,
};

static char io_buffer[64 * 1024];

void
attempt_release(struct attempt *a)
{
	struct loop *l = a->shared->loop;

	loop_timer_cancel(l, &a->limit);
	loop_timer_cancel(l, &a->more);
	proxy_handshake_end(&a->proxies);
	tls_free(a->tls);
	a->tls = NULL;
	loop_del_and_close(l, &a->source);
	a->tick_at = 0;
	a->stage = STAGE_IDLE;
}

/* Finds the row by the greeting or the reply. */
static void
identify_by_text(struct attempt *a)
{
	struct attempt_shared *s = a->shared;
	const struct exchange *x = &a->exchange;

	/* with --by auto, an earlier attempt may have got no greeting */
	if (s->plan->by == BY_AUTO && (s->by == BY_AUTO || s->by == BY_NONE))
		s->by = x->greeting == GREETING_SEEN ? BY_BANNER : BY_NONE;
	if (s->by == BY_BANNER && x->greeting == GREETING_SEEN)
		a->result.row = peer_of_greeting(s->tally, x->line,
		    x->line_length);
	if (s->by == BY_REPLY && x->matched)
		a->result.row = peer_of_reply(s->tally, x->name,
		    x->name_length);
}

/* For the report: the first answer that is not the expected one. */
static void
wrong_keep(struct tally *t, const struct exchange *x)
{
	if (!x->text)
		return;
	t->wrong_length = x->length < TALLY_WRONG ? x->length : TALLY_WRONG;
	memcpy(t->wrong, x->text, t->wrong_length);
}

void
attempt_end(struct attempt *a, enum outcome outcome, int error)
{
	struct attempt_shared *s = a->shared;
	struct attempt_result result;

	a->result.outcome = outcome;
	a->result.error = error;
	a->result.started = a->started;
	if (outcome == OUT_OK)
		identify_by_text(a);
	a->result.mismatched = outcome == OUT_OK && a->exchange.wrong;
	if (a->result.mismatched && !s->tally->mismatched)
		wrong_keep(s->tally, &a->exchange);
	if (s->identify)
		a->result.due = identify_row(s->identify, a->predicted_inode);
	if (s->identify && s->by != BY_REGISTRY) {
		a->result.predicted = a->result.due;
		if (a->verified && outcome == OUT_OK && a->result.row < 0)
			a->result.row = a->result.predicted;
		else if (!a->verified)
			identify_compare(s->identify, a->predicted_inode,
			    &a->result);
	}
	attempt_release(a);
	exchange_free(&a->exchange);
	result = a->result;
	s->on_end(a, &result);
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
attempt_end_by(struct attempt *a, int error)
{
	if (error == EPROTO && a->tls)
		attempt_end_with_reason(a, OUT_TLS, a->tls->why ? a->tls->why :
		    strerror(error));
	else
		attempt_end(a, outcome_of(error), error);
}

void
attempt_end_with_reason(struct attempt *a, enum outcome outcome,
    const char *reason)
{
	snprintf(a->result.reason, sizeof(a->result.reason), "%s", reason);
	attempt_end(a, outcome, 0);
}

void
attempt_end_fault(struct attempt *a, enum outcome outcome, const char *without)
{
	const char *text = fail_text();
	size_t length = strlen(without);

	attempt_end_with_reason(a, outcome,
	    strncmp(text, without, length) == 0 ? text + length : text);
}

void
attempt_limit(struct attempt *a, int64_t microseconds)
{
	int64_t when = loop_now() + microseconds;

	loop_timer_set(a->shared->loop, &a->limit,
	    when < a->deadline || a->stage == STAGE_CLOSE ? when :
	    a->deadline);
}

void
attempt_tick_in(struct attempt *a, int64_t ns)
{
	a->tick_at = clock_ns() + ns;
	a->shared->wake(a->shared, a->tick_at);
}

/*
 * Data or a FIN proves that a process accepted; the kernel alone sends neither.
 */
static bool
is_accepted(const struct attempt *a)
{
	return a->served || a->peer_ended || a->result.ns[LATENCY_ACCEPT] >= 0;
}

/* The close_notify of TLS may have to wait for room. */
static void
attempt_watch_close(struct attempt *a)
{
	bool due = attempt_shut(a) < 0 && errno == EAGAIN;

	attempt_watch(a, EPOLLIN | (due ? EPOLLOUT : 0));
}

/*
 * Whether an error in place of the peer's end is a failure. A reset after an
 * answer does not matter. Without an answer, it may be the end of a listener;
 * and it is, if a look at this host's sockets found the connection gone. In TLS
 * 1.3 the server may refuse the handshake only now.
 */
static bool
is_end_bad(const struct attempt *a, int error)
{
	return !a->served && (a->shared->plan->losses || a->vanished ||
	    (a->tls && error == EPROTO));
}

/*
 * The peer has ended in order. If nothing else shows that it served us, this
 * does, now. One that was first given the time to greet is not late for that.
 */
static void
attempt_end_served(struct attempt *a)
{
	struct attempt_result *r = &a->result;

	if (a->shared->by == BY_NONE && !a->exchange.in && !a->exchange.wrong)
		r->answered = a->mute ? a->started + r->ns[LATENCY_CONNECT] :
		    clock_ns();
	attempt_end(a, OUT_OK, 0);
}

/* Reads to the peer's end. */
void
attempt_drain(struct attempt *a)
{
	ssize_t n = 1;

	for (int i = 0; i < DRAIN_READS && n > 0; i++) {
		n = attempt_read(a, io_buffer, sizeof(io_buffer));
		a->served |= n > 0;
	}
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		attempt_watch_close(a);
	else if (n < 0 && is_end_bad(a, errno))
		attempt_end_by(a, errno);
	else
		attempt_end_served(a);
}

void
attempt_leave(struct attempt *a)
{
	a->result.unproven = !is_accepted(a);
	attempt_end(a, OUT_OK, 0);
}

static bool
is_echoed(const struct attempt *a)
{
	return a->shared->plan->echo && !a->exchange.wrong;
}

/*
 * Whether the peer's end need not be awaited: a complete echo has nothing after
 * it that a reset could answer, except with TLS, where the peer ends by a
 * close_notify.
 */
static bool
is_over(const struct attempt *a)
{
	return a->shared->plan->datagram || a->peer_ended ||
	    (is_echoed(a) && !a->tls);
}

void
attempt_close(struct attempt *a)
{
	int64_t now = clock_ns() - a->asking;
	const struct plan *p = a->shared->plan;

	if (a->exchange.why[0]) {
		attempt_end_with_reason(a, OUT_ANSWER, a->exchange.why);
		return;
	}
	a->result.answered = a->mute || a->exchange.wrong ? 0 : now;

	if (is_echoed(a))
		a->result.ns[LATENCY_ECHO] = now - a->sent;
	else if ((p->send || p->question) && a->exchange.in &&
	    !a->exchange.wrong)
		a->result.ns[LATENCY_REPLY] = now - a->sent;
	if (!a->mute && !a->exchange.wrong)
		a->result.took = now - a->started - p->hold * 1000;
	a->tick_at = 0;
	if (is_over(a)) {
		if (a->tls)
			attempt_shut(a);
		attempt_end(a, OUT_OK, 0);
		return;
	}
	a->stage = STAGE_CLOSE;
	attempt_limit(a, p->losses && !is_accepted(a) ? CLOSE_LOSSES_US :
	    CLOSE_US);
	attempt_watch_close(a);
}

bool
attempt_has_more(const struct attempt *a)
{
	return exchange_left(&a->exchange) > 0;
}

static void
attempt_watch_talk(struct attempt *a)
{
	attempt_watch(a, EPOLLIN | (attempt_has_more(a) ? EPOLLOUT : 0));
}

int
attempt_send(struct attempt *a)
{
	size_t n;

	while ((n = exchange_piece(&a->exchange, io_buffer,
	    sizeof(io_buffer)))) {
		ssize_t sent = attempt_write(a, io_buffer, n);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno != EAGAIN) {
			attempt_end_by(a, errno);
			return -1;
		}
		if (sent < 0)
			break;
		exchange_sent(&a->exchange, (size_t)sent);
	}
	attempt_watch_talk(a);
	return 0;
}

/* Whether the peer's end comes before its reply. */
static bool
is_end_early(const struct attempt *a)
{
	const struct plan *p = a->shared->plan;
	bool wanted = p->send || p->expect || p->match || p->question ||
	    a->shared->by == BY_BANNER;

	return p->losses && !p->datagram && (p->echo || (wanted && !a->served));
}

/*
 * Reads what there is, but only so much that an endless reply, and a search in
 * each piece of it, leaves time for other attempts. -1: the attempt has ended.
 */
static int
exchange_receive(struct attempt *a)
{
	const struct plan *p = a->shared->plan;
	bool datagram = p->datagram;
	bool searches = !datagram && (p->expect || p->match);
	size_t room = searches ? PATTERN_STEP : sizeof(io_buffer);
	int reads = searches ? 1 : PULL_READS;

	while (!exchange_is_done(&a->exchange) && reads--) {
		ssize_t n = attempt_read(a, io_buffer, room);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			attempt_end_by(a, errno);
			return -1;
		}
		if (!n && is_end_early(a)) {
			attempt_end(a, OUT_ENDED, 0);
			return -1;
		}
		exchange_take(&a->exchange, io_buffer, (size_t)n);
		a->served |= n > 0;
		a->peer_ended = !n || datagram;
		if (!a->peer_ended)
			continue;
		exchange_end(&a->exchange);
		break;
	}
	return 0;
}

/* The process that accepted may have handed the connection on. */
static void
ask_after_reply(struct attempt *a)
{
	struct attempt_shared *s = a->shared;
	int64_t before;

	if (!a->served || a->result.replied || !s->identify ||
	    s->by != BY_DIAG || s->plan->datagram || !a->ours.len)
		return;
	before = clock_ns();
	identify_answer(s->identify, &a->ours, a->predicted_inode, a->started,
	    &a->result);
	a->asking = clock_ns() - before;
}

/* If the server has ended, the rest is not sent: no answer can come. */
void
attempt_receive(struct attempt *a)
{
	if (exchange_receive(a) < 0)
		return;
	ask_after_reply(a);
	if (a->peer_ended || exchange_is_done(&a->exchange)) {
		attempt_close(a);
		return;
	}
	if (exchange_is_loose(&a->exchange))
		attempt_tick_in(a, QUIET_NS);
	attempt_watch_talk(a);
}

/* Nanoseconds until something may be sent. */
static int64_t
hold_left(const struct attempt *a)
{
	int64_t hold = a->shared->plan->hold;

	return hold ? a->connected + hold * 1000 - clock_ns() : 0;
}

/* A reset is still seen; the peer's end only when it is too late. */
static void
attempt_hold(struct attempt *a, int64_t ns)
{
	a->stage = STAGE_HOLD;
	loop_timer_cancel(a->shared->loop, &a->limit);
	attempt_watch(a, 0);
	attempt_tick_in(a, ns);
}

void
attempt_talk(struct attempt *a)
{
	const struct plan *p = a->shared->plan;
	int64_t left = hold_left(a);

	if (left > 0) {
		attempt_hold(a, left);
		return;
	}
	a->stage = STAGE_TALK;
	a->tick_at = 0;
	/* in an open loop, waiting to start counts as well */
	a->sent = p->rate ? a->started + p->hold * 1000 : clock_ns();
	if (exchange_is_done(&a->exchange)) {
		attempt_close(a);
		return;
	}
	if (a->exchange.wants_greeting)
		attempt_limit(a, a->shared->by == BY_AUTO ? GREETING_US :
		    p->patience);
	else
		attempt_limit(a, p->timeout);
	attempt_send(a);
}

void
attempt_on_silence(struct attempt *a)
{
	struct attempt_shared *s = a->shared;
	struct exchange *x = &a->exchange;

	if (exchange_is_greeting_left(x)) {
		if (s->by == BY_AUTO)
			s->by = BY_NONE;
		exchange_no_greeting(x);
		a->mute = true;
		if (exchange_is_done(x)) {
			attempt_close(a);
			return;
		}
		x->wants_greeting = false;
		attempt_limit(a, s->plan->timeout);
		return;
	}
	exchange_settle(x);
	if (s->plan->echo || !x->in) {
		attempt_end(a, OUT_TIMEOUT, ETIMEDOUT);
		return;
	}
	exchange_end(x);
	attempt_close(a);
}
