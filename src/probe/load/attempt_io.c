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
converse_release(struct attempt *a)
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
	const struct dialogue *d = &a->dialogue;

	/* of several that --by auto had listen, one may have been silent */
	if (g->plan->by == BY_AUTO && (g->by == BY_AUTO || g->by == BY_NONE))
		g->by = d->greeting == GREETING_SEEN ? BY_BANNER : BY_NONE;
	if (g->by == BY_BANNER && d->greeting == GREETING_SEEN)
		a->result.row = name_of_greeting(g->tally, d->line,
		    d->line_length);
	if (g->by == BY_REPLY && d->matched)
		a->result.row = name_of_reply(g->tally, d->name,
		    d->name_length);
}

void
converse_end(struct attempt *a, enum outcome outcome, int error)
{
	struct ground *g = a->ground;
	struct result result;

	a->result.outcome = outcome;
	a->result.error = error;
	a->result.started = a->started;
	if (outcome == OUT_OK)
		take_name(a);
	a->result.mismatched = outcome == OUT_OK && a->dialogue.wrong;
	if (g->who) {
		a->result.predicted = identify_row(g->who, a->foreseen);
		if (a->proved && outcome == OUT_OK && a->result.row < 0)
			a->result.row = a->result.predicted;
		else if (!a->proved)
			identify_learn(g->who, a->foreseen, &a->result);
	}
	converse_release(a);
	dialogue_free(&a->dialogue);
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
converse_end_by(struct attempt *a, int error)
{
	converse_end(a, outcome_of(error), error);
}

void
converse_limit(struct attempt *a, int64_t microseconds)
{
	int64_t when = loop_now() + microseconds;

	loop_timer_set(a->ground->loop, &a->limit,
	    when < a->deadline || a->stage == STAGE_CLOSE ? when :
	    a->deadline);
}

void
converse_wake_in(struct attempt *a, int64_t ns)
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
converse_drain(struct attempt *a)
{
	ssize_t n = 1;

	for (int i = 0; i < DRAIN_READS && n > 0; i++) {
		n = recv(a->source.fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		a->served |= n > 0;
	}
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	if (n < 0 && a->ground->plan->losses && !a->served)
		converse_end_by(a, errno);
	else
		converse_end(a, OUT_OK, 0);
}

void
converse_leave(struct attempt *a)
{
	a->result.unproven = !is_proven(a);
	converse_end(a, OUT_OK, 0);
}

/* An echo has an end: nothing will follow that could be met by a reset. */
static bool
is_echoed(const struct attempt *a)
{
	return a->ground->plan->echo && !a->dialogue.wrong;
}

/* All was said: what is left is to part without a reset. */
void
converse_part(struct attempt *a)
{
	int64_t now = clock_ns() - a->asking;
	const struct plan *p = a->ground->plan;

	if (is_echoed(a))
		a->result.ns[LATENCY_ECHO] = now - a->sent;
	else if (p->send && a->dialogue.in)
		a->result.ns[LATENCY_REPLY] = now - a->sent;
	if (!a->mute)
		a->result.took = now - a->started;
	a->look_at = 0;
	if (p->datagram || a->ended || is_echoed(a)) {
		converse_end(a, OUT_OK, 0);
		return;
	}
	a->stage = STAGE_CLOSE;
	shutdown(a->source.fd, SHUT_WR);
	converse_limit(a, p->losses && !is_proven(a) ? PROOF_US : CLOSE_US);
	loop_watch(a->ground->loop, &a->source, EPOLLIN);
}

bool
converse_has_more(const struct attempt *a)
{
	const struct plan *p = a->ground->plan;

	return a->dialogue.out < (p->echo ? p->echo : p->send_length);
}

/* Sends what can be sent now. Returns -1 if the attempt has ended. */
int
converse_push(struct attempt *a)
{
	size_t n;

	while ((n = dialogue_piece(&a->dialogue, buffer, sizeof(buffer)))) {
		ssize_t sent = send(a->source.fd, buffer, n,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno != EAGAIN) {
			converse_end_by(a, errno);
			return -1;
		}
		if (sent < 0)
			break;
		dialogue_sent(&a->dialogue, (size_t)sent);
	}
	loop_watch(a->ground->loop, &a->source,
	    EPOLLIN | (converse_has_more(a) ? EPOLLOUT : 0));
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

	while (!dialogue_is_done(&a->dialogue) && reads--) {
		ssize_t n = recv(a->source.fd, buffer, room, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			converse_end_by(a, errno);
			return -1;
		}
		if (!n && is_early(a)) {
			converse_end(a, OUT_ENDED, 0);
			return -1;
		}
		dialogue_take(&a->dialogue, buffer, (size_t)n);
		a->served |= n > 0;
		a->ended = !n || datagram;
		if (!a->ended)
			continue;
		dialogue_end(&a->dialogue);
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
	identify_answer(g->who, &a->ours, a->foreseen, a->started, &a->result);
	a->asking = clock_ns() - before;
}

/* A server that has ended can't answer what we would still send. */
void
converse(struct attempt *a)
{
	if (pull(a) < 0)
		return;
	ask_again(a);
	if (a->ended || dialogue_is_done(&a->dialogue)) {
		converse_part(a);
		return;
	}
	if (dialogue_is_loose(&a->dialogue))
		converse_wake_in(a, QUIET_NS);
}

void
converse_start(struct attempt *a)
{
	const struct plan *p = a->ground->plan;

	a->stage = STAGE_TALK;
	a->look_at = 0;
	/* an open loop leaves out nothing that a client waits for */
	a->sent = a->ground->plan->rate ? a->started : clock_ns();
	if (dialogue_is_done(&a->dialogue)) {
		converse_part(a);
		return;
	}
	if (a->dialogue.wants_greeting)
		converse_limit(a, a->ground->by == BY_AUTO ? GREETING_US : p->patience);
	else
		converse_limit(a, p->timeout);
	converse_push(a);
}

/* Time is up for what was waited for last. */
void
converse_silence(struct attempt *a)
{
	struct ground *g = a->ground;
	struct dialogue *d = &a->dialogue;

	if (dialogue_is_greeting_left(d)) {
		if (g->by == BY_AUTO)
			g->by = BY_NONE;
		dialogue_no_greeting(d);
		a->mute = true;
		if (dialogue_is_done(d)) {
			converse_part(a);
			return;
		}
		d->wants_greeting = false;
		converse_limit(a, g->plan->timeout);
		return;
	}
	dialogue_settle(d);
	if (g->plan->echo || !d->in) {
		converse_end(a, OUT_TIMEOUT, ETIMEDOUT);
		return;
	}
	dialogue_end(d);
	converse_part(a);
}
