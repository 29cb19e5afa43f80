/*
 * How it works (LEAVE.md of the project's design has the measurements). A
 * listener that closes resets the connections in its accept queue and the
 * handshakes that were under way to it. So a member first makes the kernel
 * choose others, then waits until nothing hangs on its sockets, then closes:
 *
 *	lock	one leaver at a time; the others wait here, and serve
 *	choose	how; a joiner is in the kernel's group before it is on the
 *		registry, so a stranger is looked at again for a while
 *	steer	find our index, attach a program that never chooses it
 *	settle	every SYN that chose us before is counted in `pending` now;
 *		serve until that is 0
 *	gate	drop all SYNs by a minimal TTL, for what the program might
 *		have let through when the group changed; again until 0
 *	close	and wake the others, who put the program right
 *
 * Whoever dies on the way drops the lock, and is mended the same way. The
 * gate alone is lossless too, but makes new clients that chose us try again
 * after a second: it is for groups with members that are not rpnc's, whose
 * program we could not give back, and for indices that can't be known.
 */
#include "serve/leave.h"

#include <errno.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/fail.h"
#include "group/steer/index.h"
#include "group/steer/reconcile.h"
#include "net/listener.h"
#include "serve/accept.h"

enum {
	TICK_US = 1000,
	LOCK_LIMIT_US = 5 * 1000 * 1000,
	LIMIT_US = 3 * 1000 * 1000,
	GATE_US = 1000 * 1000,		/* at least, for what was under way */
	RECOUNT_US = 5 * 1000,
	STRANGER_US = 20 * 1000,	/* a joiner is on the registry by then */
};

static void step_lock(struct leave *);
static void step_choose(struct leave *);
static void step_steer(struct leave *);
static void step_settle(struct leave *);
static void step_gate(struct leave *);
static void step_close(struct leave *);

const char *
leave_name(enum leave_mode mode)
{
	static const char *const names[] = {
		"auto", "steer", "gate", "drain", "close", "connect",
	};

	return names[mode];
}

static void
next(struct leave *l, void (*step)(struct leave *), int64_t delay)
{
	l->step = step;
	loop_timer_set(l->loop, &l->timer, loop_now() + delay);
}

static void
on_timer(struct timer *t)
{
	struct leave *l = container_of(t, struct leave, timer);

	l->step(l);
}

static void
give_way(struct leave *l, enum leave_mode mode, const char *why)
{
	l->mode = mode;
	l->why = why;
}

/* Half-open and queued connections of all our sockets. */
static int
pending(const struct leave *l)
{
	int sum = 0;

	for (int i = 0; i < l->set->count; i++) {
		int n = listener_pending(l->set->fd[i],
		    l->set->bound[i].sa.sa_family);

		/* without a descriptor to read it: what we can know */
		sum += n < 0 ? listener_queue(l->set->fd[i]) : n;
	}
	return sum;
}

static int
half_open(const struct leave *l)
{
	int sum = pending(l);

	for (int i = 0; i < l->set->count; i++)
		sum -= listener_queue(l->set->fd[i]);
	return sum > 0 ? sum : 0;
}

static int
group_list(const struct leave *l, int i, struct diag_sock **list)
{
	return sock_diag_group_with(l->diag, IPPROTO_TCP,
	    addr_port(&l->set->bound[i]), sock_inode(l->set->fd[i]), list);
}

static int
group_size(const struct leave *l, int i)
{
	struct diag_sock *list = NULL;
	int n = group_list(l, i, &list);

	free(list);
	return n;
}

/* Counts the groups; -1 where the kernel does not tell. */
static int
count_groups(struct leave *l)
{
	bool changed = false;

	for (int i = 0; i < l->set->count; i++) {
		int n = group_size(l, i);

		if (n < 1)
			return -1;
		changed |= n != l->members[i];
		l->members[i] = n;
	}
	l->counted = loop_now();
	return changed;
}

/* How many sockets of a group are members' on the registry. */
static int
known_members(struct leave *l, int i)
{
	struct diag_sock *list = NULL;
	int n = group_list(l, i, &list);
	int known;

	known = reconcile_known(l->registry, list, n);
	free(list);
	return known;
}

/* Whether there is a member to mend each group that others stay in. */
static bool
has_heirs(struct leave *l)
{
	bool any = false;

	for (int i = 0; i < l->set->count; i++) {
		if (l->members[i] < 2)
			continue;
		if (known_members(l, i) < 2)
			return false;
		any = true;
	}
	return any;
}

/* Whether every socket of our groups is on the registry. */
static bool
all_are_ours(struct leave *l)
{
	for (int i = 0; i < l->set->count; i++)
		if (known_members(l, i) < l->members[i])
			return false;
	return true;
}

/* One that holds several in a group can't exclude itself by one index. */
static bool
has_two_in_one(const struct leave *l)
{
	for (int i = 1; i < l->set->count; i++)
		for (int j = 0; j < i; j++)
			if (addr_equal(&l->set->bound[i], &l->set->bound[j]))
				return true;
	return false;
}

/* The first rung of the ladder; false: wait, others may yet register. */
static bool
choose_mode(struct leave *l)
{
	l->mode = l->wish == LEAVE_AUTO ? LEAVE_STEER : l->wish;
	l->why = NULL;
	if (l->mode != LEAVE_STEER)
		return true;
	if (!l->locked)
		give_way(l, LEAVE_GATE, "a leaver is stuck");
	else if (!l->diag || count_groups(l) < 0)
		give_way(l, LEAVE_GATE, "sock_diag is refused");
	if (l->mode != LEAVE_STEER)
		return true;
	if (!has_heirs(l))
		give_way(l, LEAVE_GATE, "no other rpnc");
	else if (has_two_in_one(l))
		give_way(l, LEAVE_GATE, "two sockets in one group");
	else if (l->wish == LEAVE_AUTO && !all_are_ours(l))
		give_way(l, LEAVE_GATE, "not all are rpnc's");
	return l->mode == LEAVE_STEER || all_are_ours(l);
}

/* Who stays, if none is rpnc's, knows nothing of a program of ours. */
static void
clear_programs(struct leave *l)
{
	if (l->diag && count_groups(l) >= 0 && !has_heirs(l))
		reconcile_clear(l->registry, l->diag, l->set);
}

static void
detach_all(const struct sock_set *set)
{
	for (int i = 0; i < set->count; i++)
		bpf_detach(set->fd[i]);
}

static void
step_lock(struct leave *l)
{
	l->locked = registry_steer_begin(l->registry) == 0;
	if (!l->locked && loop_now() - l->began < LOCK_LIMIT_US) {
		next(l, step_lock, TICK_US);
		return;
	}
	l->limit = loop_now() + STRANGER_US;
	step_choose(l);
}

static void
step_choose(struct leave *l)
{
	if (!choose_mode(l) && loop_now() < l->limit) {
		next(l, step_choose, TICK_US);
		return;
	}
	l->limit = loop_now() + LIMIT_US;
	l->handshakes = half_open(l);
	if (l->mode == LEAVE_STEER)
		step_steer(l);
	else if (l->mode == LEAVE_GATE)
		step_gate(l);
	else
		step_close(l);
}

static int
exclude_one(struct leave *l, int i)
{
	int n = l->members[i], index, listed;
	struct diag_sock *list;

	if (n < 2 || !index_is_reachable(&l->set->bound[i]))
		return 0;
	listed = group_list(l, i, &list);
	index = index_find(l->set->fd[i], &l->set->bound[i], n, n - 1,
	    l->diag);
	reconcile_forgive(l->registry, l->diag, list, listed);
	free(list);
	return index < 0 ? -1 : reconcile_exclude(l->registry, l->diag,
	    l->set->fd[i], &l->set->bound[i], index);
}

static void
step_steer(struct leave *l)
{
	/* before the first program, so that a death from here on is mended */
	reconcile_mark_dirty(l->registry, l->diag, l->set);
	l->steered = true;
	/* a connection inherits the gate of its listener: accept opens it */
	l->acceptor->gated = true;
	for (int i = 0; i < l->set->count; i++)
		if (exclude_one(l, i) < 0) {
			give_way(l, LEAVE_GATE, "index not known");
			detach_all(l->set);
			step_gate(l);
			return;
		}
	listener_barrier();
	acceptor_drain(l->acceptor);
	next(l, step_settle, 0);
}

/* Serves until nothing hangs on our sockets; steers anew as members come. */
static void
step_settle(struct leave *l)
{
	acceptor_drain(l->acceptor);
	if (loop_now() > l->limit || !pending(l)) {
		step_gate(l);
		return;
	}
	if (loop_now() - l->counted > RECOUNT_US && count_groups(l) != 0) {
		step_steer(l);
		return;
	}
	next(l, step_settle, TICK_US);
}

/* After the gate: what chose us just before it was shut. */
static void
step_last(struct leave *l)
{
	acceptor_drain(l->acceptor);
	if (loop_now() > l->limit || !pending(l))
		step_close(l);
	else
		next(l, step_last, TICK_US);
}

static void
step_gate(struct leave *l)
{
	if (l->limit < loop_now() + GATE_US)
		l->limit = loop_now() + GATE_US;
	l->acceptor->gated = true;
	l->gated = true;
	for (int i = 0; i < l->set->count; i++)
		if (listener_gate(l->set->fd[i],
		    l->set->bound[i].sa.sa_family, 255) < 0)
			give_way(l, LEAVE_DRAIN, "a gate is refused");
	listener_barrier();
	step_last(l);
}

/* Another user's process may hold the sockets, too, for all that we know. */
static void
open_gates(const struct leave *l)
{
	for (int i = 0; i < l->set->count; i++)
		listener_gate(l->set->fd[i], l->set->bound[i].sa.sa_family, 0);
}

void
leave_close(struct leave *l)
{
	l->set->count = 0;
	if (l->datagrams)
		l->datagrams->close(l);
	else
		acceptor_close(l->acceptor);
	l->acceptor->gated = false;
	registry_set_state(l->registry, l->slot,
	    l->ends ? STATE_LEFT : STATE_AWAY);
}

static void
step_close(struct leave *l)
{
	clear_programs(l);
	if (l->mode != LEAVE_CLOSE)
		acceptor_drain(l->acceptor);
	l->lost = pending(l);
	l->queued = (int)(*l->served - l->before);
	if (l->gated && l->set->adopted)
		open_gates(l);
	leave_close(l);
	l->active = false;
	if (l->diag)
		sock_diag_close(l->diag);
	l->diag = NULL;
	l->on_left(l);
	if (l->locked)
		registry_steer_end(l->registry);
}

void
leave_held(struct leave *l)
{
	give_way(l, LEAVE_CLOSE, l->held);
	leave_close(l);
	l->active = false;
	l->on_left(l);
}

void
leave_start(struct leave *l)
{
	l->timer.on_timer = on_timer;
	l->active = true;
	l->began = loop_now();
	l->queued = l->handshakes = l->lost = 0;
	l->locked = l->steered = l->gated = false;
	l->before = *l->served;
	l->why = NULL;
	if (l->held) {
		leave_held(l);
		return;
	}
	l->diag = sock_diag_open();
	if (l->wish == LEAVE_DRAIN || l->wish == LEAVE_CLOSE) {
		l->mode = l->wish;
		step_close(l);
		return;
	}
	step_lock(l);
}

void
leave_now(struct leave *l)
{
	if (!l->active)
		return;
	loop_timer_cancel(l->loop, &l->timer);
	if (l->steered)
		detach_all(l->set);
	give_way(l, LEAVE_CLOSE, "a second signal");
	step_close(l);
}
