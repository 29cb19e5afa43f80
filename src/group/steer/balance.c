/*
 * When to look which members have the fewest connections (STEER_LEAST). How it
 * works. No process is in charge, and none wakes another: a member whose number
 * of connections changes is awake, because it has just accepted or closed one.
 * After the turn of its loop it compares the group with the program, and
 * attaches another if the set of the fewest is another.
 *
 *	state		what moves it on
 *	quiet		the own number changed: looks at once
 *	resting		it has looked, or all have attached, as often as least.h
 *			allows; or reconcile.h asks for another look: looks
 *			again after a while
 *
 * So each connection of a small burst is answered at once, and of a large one
 * the first few, and then its end; a process looks 20 times a second at most,
 * however many it accepts. While the steering is another, a turn costs a load of
 * the mode. Some events wake all members anyway: a member comes, goes or is
 * full, or a second passes. Then balance_apply() is called.
 */
#include "group/steer/balance.h"

#include "base/clock.h"
#include "base/container.h"
#include "group/steer/least.h"

static bool
is_least(const struct balance *b)
{
	return mode_of(&registry_shared(b->reconcile.registry)->steering) ==
	    STEER_LEAST;
}

static void
balance_rest(struct balance *b, uint32_t ms)
{
	loop_timer_set(b->loop, &b->timer, loop_now() + (int64_t)ms * 1000);
}

int
balance_apply(struct balance *b)
{
	int result;

	b->open = b->own->accepted - b->own->closed;
	result = reconcile_apply(&b->reconcile, b->set);
	if (b->reconcile.again && is_least(b))
		balance_rest(b, LEAST_MS);
	return result;
}

static void
balance_observe(struct balance *b)
{
	b->looks = least_spend(b->looks, clock_ms());
	if (balance_apply(b) < 0)
		b->on_fault(b);
}

static void
on_balance_rested(struct timer *t)
{
	struct balance *b = container_of(t, struct balance, timer);

	if (is_least(b))
		balance_observe(b);
}

static void
on_turn(struct turn *t)
{
	struct balance *b = container_of(t, struct balance, turn);
	uint32_t wait;

	if (!is_least(b) || b->own->accepted - b->own->closed == b->open)
		return;
	wait = least_wait(b->looks, clock_ms());
	if (!wait)
		balance_observe(b);
	else if (!b->timer.at)
		balance_rest(b, wait);
}

void
balance_start(struct balance *b, struct loop *l)
{
	b->loop = l;
	b->timer.on_timer = on_balance_rested;
	b->turn.on_turn = on_turn;
	l->turn = &b->turn;
}

void
balance_stop(struct balance *b)
{
	if (!b->loop)
		return;
	loop_timer_cancel(b->loop, &b->timer);
	b->loop->turn = NULL;
	b->loop = NULL;
}
