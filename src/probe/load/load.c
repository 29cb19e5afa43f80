/*
 * Starts attempts, keeps their pace, and counts their results.
 *
 *	phase		what it does		ends when
 *	scouting	one attempt at a time,	an address accepts; or the time
 *			address after address	of one attempt (or --wait) is
 *						over
 *	at pace		a closed loop keeps -c	-n, --duration, load_end(), or
 *			attempts in flight; an	--give-up's rule: nobody has
 *			open one (--rate) has	ever answered
 *			fixed times
 *	ending		awaits what is in	nothing is in flight, or the
 *			flight			grace of load_stop() is over
 *
 * The scout tries each address again and again, with more patience each round.
 * The attempt that is accepted is kept, and is the only one that counts. If
 * none is accepted, the result of the first address counts.
 *
 * A timerfd fires for the next start and for ticks of attempts. It is usually
 * 70 us late. So in an open loop it fires early and then at once again: in
 * effect a loop that spins, but serves events meanwhile. The last 60 us are
 * left to the attempt, which opens its socket and then waits for its time.
 *
 * The load owns the attempts, the tally, and what identifies the members; the
 * plan is the caller's. When an attempt is due: see schedule.c.
 */
#include "probe/load/load_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/fail.h"
#include "net/resolve.h"

enum {
	BURST = 64,			/* starts before events are served */
	SLICE_NS = 5 * 1000 * 1000,
	SPIN_NS = 100 * 1000,
	PREPARE_NS = 60 * 1000,		/* an attempt until connect(2) */
	TRY_FIRST_US = 250 * 1000,	/* for each of several addresses */
	RETRY_FIRST_NS = 10 * 1000 * 1000,
	RETRY_LAST_NS = 250 * 1000 * 1000,
	GRACE_US = 500 * 1000,
	BEAT_NS = 20 * 1000 * 1000,	/* runs at least so often */
};

static void
load_clock_set(struct load *l, int64_t when)
{
	struct itimerspec t = {
		.it_value = { when / 1000000000, when % 1000000000 },
	};

	l->armed = when;
	timerfd_settime(l->clock.fd, TFD_TIMER_ABSTIME, &t, NULL);
}

static void
load_wake(struct load *l, int64_t when)
{
	if (!l->armed || when < l->armed)
		load_clock_set(l, when);
}

static void
load_on_wake(struct attempt_shared *s, int64_t when)
{
	load_wake(container_of(s, struct load, shared), when);
}

/* The server's address, if the last proxy is asked for one. */
static const struct addr *
load_known(const struct load *l)
{
	return proxy_route_server(&l->route, l->address);
}

static int
load_aim(struct load *l, const struct addr *a)
{
	return load_identify_aim(l, a) < 0 || load_reach_aim(l, a) < 0 ? -1 : 0;
}

static void
scout_retry_later(struct load *l)
{
	if (!l->retry)
		l->retry = RETRY_FIRST_NS;
	l->schedule.retry_at = clock_ns() + l->retry;
	l->retry = l->retry * 2 < RETRY_LAST_NS ? l->retry * 2 :
	    RETRY_LAST_NS;
}

/* Whether --wait still has time. */
static bool
scout_may_wait(const struct load *l)
{
	return clock_ns() < l->schedule.started + l->plan->wait * 1000;
}

/* The address lacks the wanted member: whether another one, or time, helps. */
static bool
scout_tries_again(struct load *l)
{
	if (!l->reach.absent)
		return false;
	if (++l->address < l->addresses.count)
		return true;
	l->address = 0;
	if (!scout_may_wait(l))
		return false;
	scout_retry_later(l);
	load_wake(l, l->schedule.retry_at);
	return true;
}

/*
 * Aims at the next address; false: nothing can be tried now. If there is one
 * address, and no --wait for it, its result counts.
 */
static bool
scout_aim(struct load *l)
{
	int64_t before = l->schedule.retry_at;

	l->shared.known = load_known(l);
	while (load_aim(l, &l->addresses.at[l->address]) < 0) {
		if (!scout_tries_again(l)) {
			l->schedule.stopping = true;
			l->on_fault(l);
			return false;
		}
		if (l->schedule.retry_at != before)
			return false;
		l->shared.known = load_known(l);
	}
	if (l->addresses.count == 1 && !l->plan->wait)
		schedule_settle(&l->schedule, clock_ns());
	return true;
}

static void
load_begin(struct load *l, int64_t intended)
{
	struct schedule *s = &l->schedule;
	struct attempt *a = l->idle;

	l->idle = a->next;
	if (a - l->attempts >= l->used)
		l->used = (int)(a - l->attempts) + 1;
	l->in_flight++;
	s->begun++;
	attempt_start(a, s->begun, intended);
	if (s->scouting && l->addresses.count > 1 && !l->plan->datagram)
		attempt_hasten(a, l->try_us);
}

/* The address is settled; only the rest, such as a greeting, may be slow. */
static void
load_on_connect(struct attempt *a)
{
	struct load *l = container_of(a->shared, struct load, shared);

	if (!l->schedule.scouting || l->plan->datagram)
		return;
	schedule_settle(&l->schedule, a->started);
	load_wake(l, 1);
}

static void
load_finish(struct load *l)
{
	if (!l->ended)
		l->ended = clock_ns();
	loop_timer_cancel(l->shared.loop, &l->grace);
	l->on_done(l);
}

static bool
load_has_room(const struct load *l)
{
	bool single = l->schedule.scouting || load_reach_is_single(l);

	return l->idle && (!single || !l->in_flight);
}

static bool
load_has_more(const struct load *l)
{
	return schedule_has_more(&l->schedule) && load_reach_has_more(l);
}

/* Starts the attempts that are due, and sets the clock for the next one. */
static void
load_fill(struct load *l)
{
	struct schedule *s = &l->schedule;
	int64_t when = 0;

	if (l->filling)
		return;
	l->filling = true;
	for (int i = 0; load_has_room(l) && load_has_more(l); i++) {
		schedule_skip(s);
		when = schedule_due(s);
		if (i == BURST || when > clock_ns() + (s->scouting ? 0 :
		    PREPARE_NS)) {
			load_wake(l, when > SPIN_NS && !s->scouting ?
			    when - SPIN_NS : when ? when : 1);
			break;
		}
		if (s->scouting && !scout_aim(l))
			break;
		load_begin(l, s->scouting || !l->plan->rate ? 0 : when);
	}
	l->filling = false;
	if (!l->in_flight && !load_has_more(l))
		load_finish(l);
}

/* Ticks the attempts, for a slice at most: thousands would delay a signal. */
static void
load_tick(struct load *l)
{
	int64_t now = clock_ns(), next;
	int count = l->used;

	for (int i = 0; i < count; i++) {
		next = attempt_tick(&l->attempts[l->turn], now);
		if (next)
			load_wake(l, next);
		l->turn = (l->turn + 1) % count;
		if (clock_ns() > now + SLICE_NS) {
			load_wake(l, 1);
			return;
		}
	}
}

static void
load_on_clock(struct source *s, uint32_t events)
{
	struct load *l = container_of(s, struct load, clock);
	uint64_t fired;

	(void)events;
	(void)!read(s->fd, &fired, sizeof(fired));
	l->armed = 0;
	schedule_skip(&l->schedule);
	load_tick(l);
	load_fill(l);
	if (l->plan->skip == SKIP_ABSENT)
		load_wake(l, clock_ns() + BEAT_NS);
}

/* Microseconds that the scout still has. */
static int64_t
scout_time_left(const struct load *l)
{
	int64_t limit = l->plan->connect_timeout > l->plan->wait ?
	    l->plan->connect_timeout : l->plan->wait;

	return limit - (clock_ns() - l->schedule.started) / 1000;
}

/* Begins another round, in which each address has more time. */
static bool
scout_longer(struct load *l)
{
	int64_t left = scout_time_left(l);

	if (!l->silent || l->addresses.count == 1 || l->plan->datagram ||
	    left <= 0)
		return false;
	l->silent = false;
	l->address = 0;
	l->try_us = l->try_us * 2 < left ? l->try_us * 2 : left;
	return true;
}

static void
scout_skip(struct load *l, const struct attempt_result *r)
{
	const struct addr *known = load_known(l);
	char text[ADDR_TEXT];

	l->on_skip(l, addr_text(known ? known : &l->addresses.at[l->address],
	    text), r->reason[0] ? r->reason : strerror(r->error));
}

/*
 * Whether a server is there, though it did not answer: one of several sockets
 * may be one that nobody reads.
 */
static bool
scout_found_silence(const struct load *l, const struct attempt_result *r)
{
	return l->plan->datagram && r->outcome == OUT_TIMEOUT &&
	    l->shared.identify && identify_has_several(l->shared.identify);
}

static bool
scout_next_address(struct load *l, const struct attempt_result *r)
{
	if (l->address + 1 >= l->addresses.count)
		return false;
	if (l->try_us == TRY_FIRST_US && l->on_skip)
		scout_skip(l, r);
	l->address++;
	return true;
}

static bool
scout_wait(struct load *l)
{
	l->rounds++;
	if (!scout_may_wait(l))
		return false;
	l->address = 0;
	scout_retry_later(l);
	return true;
}

/* The scout gives up: the result of the first address counts. */
static void
scout_fail(struct load *l, struct attempt_result *r)
{
	struct schedule *s = &l->schedule;

	s->scouting = false;
	s->stopping |= l->refusal.outcome == OUT_TIMEOUT &&
	    l->addresses.count > 1 && l->plan->give_up;
	s->first = clock_ns();		/* or many would be due at once */
	*r = l->refusal;
	l->address = 0;
	l->shared.known = load_known(l);
	if (load_aim(l, &l->addresses.at[0]) < 0) {
		s->stopping = true;
		l->on_fault(l);
	}
}

/* Whether the failure of the scout's attempt is passed over. */
static bool
scout_goes_on(struct load *l, struct attempt_result *r)
{
	if (l->schedule.stopping)
		return true;
	if (l->address == 0)
		l->refusal = *r;
	lookup_take(&l->lookup, &l->addresses);
	l->silent |= r->outcome == OUT_TIMEOUT;
	if (scout_next_address(l, r) || scout_longer(l) ||
	    scout_wait(l))
		return true;
	scout_fail(l, r);
	return false;
}

/* Nobody has ever answered, and the other attempts would only take long. */
static bool
load_is_hopeless(const struct load *l)
{
	const struct plan *p = l->plan;
	const struct tally *t = &l->tally;

	return p->give_up && !p->rate && !p->duration &&
	    t->attempts > (uint64_t)p->concurrency &&
	    t->out[OUT_TIMEOUT] == t->attempts;
}

static void
forget_times(struct attempt_result *r)
{
	r->took = -1;
	for (int i = 0; i < LATENCIES; i++)
		r->ns[i] = -1;
}

static void
load_count(struct load *l, const struct attempt_result *r)
{
	tally_add(&l->tally, r);
	if (l->on_result)
		l->on_result(l, r);
}

static void
load_on_end(struct attempt *a, const struct attempt_result *result)
{
	struct load *l = container_of(a->shared, struct load, shared);
	struct schedule *s = &l->schedule;
	struct attempt_result r = *result;
	bool passed = false;

	schedule_skip(s);
	if (r.number <= s->torn)
		forget_times(&r);
	a->next = l->idle;
	l->idle = a;
	l->in_flight--;
	if (l->plan->pause)
		s->rested = clock_ns() + l->plan->pause * 1000;
	if (s->scouting && (r.outcome == OUT_OK || /* a datagram's reply */
	    scout_found_silence(l, &r)))
		schedule_settle(s, a->started);
	else if (s->scouting)
		passed = scout_goes_on(l, &r);
	if (!passed)
		passed = load_reach_misses(l, a, &r);
	if (passed)
		s->begun--;
	else
		load_count(l, &r);
	if (load_is_hopeless(l))
		s->stopping = true;
	load_fill(l);
}

static void
load_on_grace(struct timer *t)
{
	struct load *l = container_of(t, struct load, grace);

	l->tally.abandoned = (uint64_t)l->in_flight;
	for (int i = 0; i < l->plan->concurrency; i++)
		attempt_drop(&l->attempts[i]);
	l->in_flight = 0;
	load_finish(l);
}

void
load_end(struct load *l)
{
	schedule_skip(&l->schedule);
	l->schedule.stopping = true;
	l->ended = clock_ns();
	if (!l->in_flight)
		load_finish(l);
}

void
load_stop(struct load *l)
{
	l->grace.on_timer = load_on_grace;
	loop_timer_set(l->shared.loop, &l->grace, loop_now() + GRACE_US);
	load_end(l);
}

bool
load_refers_to(const struct load *l, int row)
{
	for (int i = 0; i < l->plan->concurrency; i++) {
		const struct attempt *a = &l->attempts[i];

		if (a->stage != STAGE_IDLE && (a->result.row == row ||
		    a->result.accepted == row ||
		    a->result.predicted == row))
			return true;
	}
	return false;
}

static int
load_resolve(struct load *l, const struct endpoint *e)
{
	const struct plan *p = l->plan;

	int64_t deadline = loop_now() + p->connect_timeout;

	if (!p->proxies)
		return resolve_wait(e, deadline, p->wait, &l->lookup,
		    &l->addresses);
	proxy_chain_text(p->proxies, l->proxies);
	l->shared.route = &l->route;
	return proxy_route_open(&l->route, p->proxies, e, deadline, p->wait,
	    &l->addresses);
}

int
load_open(struct load *l, const struct plan *plan, const struct endpoint *e)
{
	l->plan = plan;
	l->clock.fd = -1;
	l->lookup = LOOKUP_NONE;
	ephemeral_ports_init(&l->shared.ports);
	if (load_resolve(l, e) < 0 || load_identify_open(l, e) < 0)
		return -1;
	load_reach_open(l);
	return 0;
}

static void
attempts_init(struct load *l)
{
	l->shared.plan = l->plan;
	l->shared.tally = &l->tally;
	l->shared.wake = load_on_wake;
	l->shared.on_connect = load_on_connect;
	l->shared.on_end = load_on_end;
	for (int i = l->plan->concurrency; i-- > 0;) {
		l->attempts[i].shared = &l->shared;
		l->attempts[i].source.fd = -1;
		l->attempts[i].next = l->idle;
		l->idle = &l->attempts[i];
	}
}

int
load_start(struct load *l, struct loop *loop)
{
	l->shared.loop = loop;
	l->try_us = TRY_FIRST_US;
	l->clock.on_event = load_on_clock;
	l->clock.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK |
	    TFD_CLOEXEC);
	l->attempts = calloc((size_t)l->plan->concurrency,
	    sizeof(*l->attempts));
	if (l->clock.fd < 0 || !l->attempts)
		return fail("probe");
	attempts_init(l);
	l->clock_known = clock_error_read(&l->clock_error) == 0;
	schedule_start(&l->schedule, l->plan, clock_ns());
	if (loop_watch(loop, &l->clock, EPOLLIN) < 0)
		return -1;
	load_clock_set(l, 1);
	return 0;
}

static void
attempts_close(struct load *l)
{
	if (!l->shared.loop)
		return;
	for (int i = 0; l->attempts && i < l->plan->concurrency; i++)
		attempt_drop(&l->attempts[i]);
	loop_del(l->shared.loop, &l->clock);
	if (l->clock.fd >= 0)
		close(l->clock.fd);
	free(l->attempts);
}

void
load_close(struct load *l)
{
	attempts_close(l);
	if (l->plan)
		lookup_end(&l->lookup);
	addr_list_free(&l->addresses);
	proxy_route_free(&l->route);
	identify_free(l->identify);
	load_reach_close(l);
	registry_counts_close(&l->counts);
	tally_free(&l->tally);
}
