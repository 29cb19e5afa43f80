#include "probe/load/pace.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/fail.h"

/*
 * How it works: a closed loop starts an attempt whenever one has ended, an
 * open one (--rate) at its time, however the others are doing. A timerfd rings
 * for the next start and for looks of attempts; it is late by 70 us as a rule,
 * so that in an open loop it rings early and then again at once, in effect a
 * loop that spins, but serves events meanwhile. The last of it is left to the
 * attempt, which opens its socket and then waits for its time.
 *
 * What is late since all there may be are in flight is the server's doing, and
 * is measured from when it was due. What was due while we were stopped, or had
 * no processor, is not: where that matters (SKIP_ABSENT) the clock rings at
 * least each BEAT_NS, so that a pause is known for what it is; what was due in
 * it is left out, and the times of what was in flight are not told.
 */

enum {
	BURST = 64,			/* starts before events are served */
	SLICE_NS = 5 * 1000 * 1000,
	SPIN_NS = 100 * 1000,
	PREPARE_NS = 60 * 1000,		/* what comes before connect(2) */
	SKIP_FIRST_US = 250 * 1000,	/* for each of several addresses */
	RETRY_FIRST_NS = 10 * 1000 * 1000,
	RETRY_LAST_NS = 250 * 1000 * 1000,
	STOP_US = 500 * 1000,
	LATE_NS = 100 * 1000 * 1000,	/* what is later may be skipped */
	BEAT_NS = 20 * 1000 * 1000,	/* we run at least as often as that */
};

static void
clock_set(struct pace *p, int64_t when)
{
	struct itimerspec t = {
		.it_value = { when / 1000000000, when % 1000000000 },
	};

	p->armed = when;
	timerfd_settime(p->clock.fd, TFD_TIMER_ABSTIME, &t, NULL);
}

static void
wake(struct ground *g, int64_t when)
{
	struct pace *p = container_of(g, struct pace, ground);

	if (!p->armed || when < p->armed)
		clock_set(p, when);
}

/* When the next one is due; 0: at once. */
static int64_t
due(const struct pace *p)
{
	if (p->scouting)
		return p->again;
	if (!p->plan->rate)
		return p->rested;
	return p->first + p->shift + (p->begun < p->cut_at ? 0 : p->cut) +
	    (int64_t)((double)p->begun * 1e9 / p->plan->rate);
}

/* Whether there are to be more attempts, now or later. */
static bool
has_more(const struct pace *p)
{
	const struct plan *plan = p->plan;
	int64_t end;

	if (p->stopping || (plan->count && p->begun >= plan->count))
		return false;
	if (p->scouting || !plan->duration)
		return true;
	end = p->started + plan->duration * 1000;
	return clock_ns() < end && due(p) < end;
}

/* The first that is due at that time or later. */
static uint64_t
first_due(const struct pace *p, int64_t when)
{
	double n = ceil((double)(when - p->first - p->shift - p->cut) *
	    p->plan->rate / 1e9);

	return n > (double)p->begun ? (uint64_t)n : p->begun;
}

/*
 * Those due in that time are given up, and those due before it are not. Where
 * these have not begun yet and some were given up before, it is one cut.
 */
static void
give_up(struct pace *p, int64_t from, int64_t to)
{
	uint64_t next, count;

	if (p->begun >= p->cut_at) {
		p->shift += p->cut;
		p->cut = 0;
	}
	next = first_due(p, from);
	count = first_due(p, to) - next;
	if (!p->cut)
		p->cut_at = next;
	p->cut += (int64_t)((double)count * 1e9 / p->plan->rate);
	p->skipped += count;
}

/* Before anything is made of what has happened meanwhile. */
static void
skip(struct pace *p)
{
	enum skip what = p->plan->skip;
	int64_t now = clock_ns(), from = what == SKIP_LATE ? due(p) : p->ran;

	p->ran = now;
	if (!what || p->plan->rate <= 0 || p->scouting || now - from < LATE_NS)
		return;
	if (what == SKIP_ABSENT)
		p->torn = p->begun;
	if (has_more(p))
		give_up(p, from, now);
}

static bool
has_room(const struct pace *p)
{
	return p->idle && (!p->scouting || !p->in_flight);
}

static bool
is_last(const struct pace *p)
{
	return p->address + 1 >= p->addresses.count;
}

/* The address that is aimed at is the one. */
static void
settle(struct pace *p, int64_t since)
{
	p->scouting = false;
	p->first = p->started = since;
}

/* One address for one round is the one whatever it says. */
static void
aim(struct pace *p)
{
	p->on_aim(p, &p->addresses.at[p->address]);
	if (p->addresses.count == 1 && !p->plan->wait)
		settle(p, clock_ns());
}

static void
start(struct pace *p, int64_t intended)
{
	struct attempt *a = p->idle;

	p->idle = a->next;
	if (a - p->attempts >= p->used)
		p->used = (int)(a - p->attempts) + 1;
	p->in_flight++;
	p->begun++;
	if (p->scouting)
		aim(p);
	attempt_start(a, p->begun, intended);
	if (p->scouting && p->addresses.count > 1 && !p->plan->datagram)
		attempt_hasten(a, p->tried);
}

/* What follows, a greeting say, may take long. */
static void
on_connect(struct attempt *a)
{
	struct pace *p = container_of(a->ground, struct pace, ground);

	if (!p->scouting || p->plan->datagram)
		return;
	settle(p, a->started);
	wake(&p->ground, 1);
}

static void
finish(struct pace *p)
{
	if (!p->last)
		p->last = clock_ns();
	loop_timer_cancel(p->ground.loop, &p->patience);
	p->on_done(p);
}

/* Starts what is due; wakes itself for what will be. */
static void
fill(struct pace *p)
{
	int64_t when = 0;

	if (p->filling)
		return;
	p->filling = true;
	for (int i = 0; has_room(p) && has_more(p); i++) {
		skip(p);
		when = due(p);
		if (i == BURST || when > clock_ns() + (p->scouting ? 0 :
		    PREPARE_NS)) {
			wake(&p->ground, when > SPIN_NS && !p->scouting ?
			    when - SPIN_NS : when ? when : 1);
			break;
		}
		start(p, p->scouting || !p->plan->rate ? 0 : when);
	}
	p->filling = false;
	if (!p->in_flight && !has_more(p))
		finish(p);
}

/* Thousands may take long; a signal is not to wait for them. */
static void
tick(struct pace *p)
{
	int64_t now = clock_ns(), next;
	int count = p->used;

	for (int i = 0; i < count; i++) {
		next = attempt_tick(&p->attempts[p->turn], now);
		if (next)
			wake(&p->ground, next);
		p->turn = (p->turn + 1) % count;
		if (clock_ns() > now + SLICE_NS) {
			wake(&p->ground, 1);
			return;
		}
	}
}

static void
on_clock(struct source *s, uint32_t events)
{
	struct pace *p = container_of(s, struct pace, clock);
	uint64_t rings;

	(void)events;
	(void)!read(s->fd, &rings, sizeof(rings));
	p->armed = 0;
	skip(p);
	tick(p);
	fill(p);
	if (p->plan->skip == SKIP_ABSENT)
		wake(&p->ground, clock_ns() + BEAT_NS);
}

static void
aim_again(struct pace *p)
{
	int64_t now = clock_ns();

	if (!p->retry)
		p->retry = RETRY_FIRST_NS;
	p->again = now + p->retry;
	p->retry = p->retry * 2 < RETRY_LAST_NS ? p->retry * 2 :
	    RETRY_LAST_NS;
}

/* Microseconds until the scout's time is over. */
static int64_t
scouts_time(const struct pace *p)
{
	int64_t limit = p->plan->connect_timeout > p->plan->wait ?
	    p->plan->connect_timeout : p->plan->wait;

	return limit - (clock_ns() - p->started) / 1000;
}

/* Another round, in which each address gets more time. */
static bool
scout_longer(struct pace *p)
{
	int64_t left = scouts_time(p);

	if (!p->silent || p->addresses.count == 1 || p->plan->datagram ||
	    left <= 0)
		return false;
	p->silent = false;
	p->address = 0;
	p->tried = p->tried * 2 < left ? p->tried * 2 : left;
	return true;
}

/*
 * Whether the scout's failure is passed over: another address is left, or
 * there is time for another round. Else the first address is kept, and what
 * it said counts.
 */
static bool
scout_on(struct pace *p, struct attempt_result *r)
{
	if (p->stopping)
		return true;
	if (p->address == 0)
		p->refusal = *r;
	p->on_more(p);
	p->silent |= r->outcome == OUT_TIMEOUT;
	if (!is_last(p)) {
		if (p->tried == SKIP_FIRST_US)
			p->on_skip(p, &p->addresses.at[p->address], r->error);
		p->address++;
		return true;
	}
	if (scout_longer(p))
		return true;
	if (clock_ns() < p->started + p->plan->wait * 1000) {
		p->address = 0;
		aim_again(p);
		return true;
	}
	p->scouting = false;
	p->stopping |= p->refusal.outcome == OUT_TIMEOUT &&
	    p->addresses.count > 1 && p->plan->give_up;
	p->first = clock_ns();		/* else much would be due at once */
	*r = p->refusal;
	p->on_aim(p, &p->addresses.at[0]);
	return false;
}

/* Nobody has ever answered: the rest would only take long. */
static bool
is_hopeless(const struct pace *p)
{
	const struct tally *t = p->ground.tally;

	return p->plan->give_up && !p->plan->rate && !p->plan->duration &&
	    t->attempts > (uint64_t)p->plan->concurrency &&
	    t->out[OUT_TIMEOUT] == t->attempts;
}

/* How long it took is not known. */
static void
forget_times(struct attempt_result *r)
{
	r->took = -1;
	for (int i = 0; i < LATENCIES; i++)
		r->ns[i] = -1;
}

static void
on_end(struct attempt *a, const struct attempt_result *result)
{
	struct pace *p = container_of(a->ground, struct pace, ground);
	struct attempt_result r = *result;
	bool passed = false;

	skip(p);
	if (r.number <= p->torn)
		forget_times(&r);
	a->next = p->idle;
	p->idle = a;
	p->in_flight--;
	if (p->plan->pause)
		p->rested = clock_ns() + p->plan->pause * 1000;
	if (p->scouting && r.outcome == OUT_OK)	/* a datagram's reply */
		settle(p, a->started);
	else if (p->scouting)
		passed = scout_on(p, &r);
	if (passed)
		p->begun--;
	else
		tally_add(p->ground.tally, &r);
	if (!passed && p->on_result)
		p->on_result(p, &r);
	if (is_hopeless(p))
		p->stopping = true;
	fill(p);
}

static void
on_patience(struct timer *t)
{
	struct pace *p = container_of(t, struct pace, patience);

	p->ground.tally->abandoned = (uint64_t)p->in_flight;
	for (int i = 0; i < p->plan->concurrency; i++)
		attempt_drop(&p->attempts[i]);
	p->in_flight = 0;
	finish(p);
}

void
pace_end(struct pace *p)
{
	skip(p);
	p->stopping = true;
	p->last = clock_ns();
	if (!p->in_flight)
		finish(p);
}

void
pace_stop(struct pace *p)
{
	skip(p);
	p->stopping = true;
	p->last = clock_ns();
	p->patience.on_timer = on_patience;
	loop_timer_set(p->ground.loop, &p->patience, loop_now() + STOP_US);
	if (!p->in_flight)
		finish(p);
}

int
pace_open(struct pace *p, struct loop *l)
{
	int count = p->plan->concurrency;

	p->ground.loop = l;
	p->ground.plan = p->plan;
	p->ground.wake = wake;
	p->ground.on_connect = on_connect;
	p->ground.on_end = on_end;
	p->scouting = true;
	p->tried = SKIP_FIRST_US;
	p->clock.on_event = on_clock;
	p->clock.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK |
	    TFD_CLOEXEC);
	p->attempts = calloc((size_t)count, sizeof(*p->attempts));
	if (p->clock.fd < 0 || !p->attempts)
		return fail("probe");
	for (int i = count; i-- > 0;) {
		p->attempts[i].ground = &p->ground;
		p->attempts[i].source.fd = -1;
		p->attempts[i].next = p->idle;
		p->idle = &p->attempts[i];
	}
	p->started = p->first = p->ran = clock_ns();
	if (loop_watch(l, &p->clock, EPOLLIN) < 0)
		return -1;
	clock_set(p, 1);
	return 0;
}

void
pace_close(struct pace *p)
{
	for (int i = 0; p->attempts && i < p->plan->concurrency; i++)
		attempt_drop(&p->attempts[i]);
	loop_del(p->ground.loop, &p->clock);
	if (p->clock.fd >= 0)
		close(p->clock.fd);
	free(p->attempts);
}
