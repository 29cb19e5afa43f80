/*
 * Leaves a TCP reuseport group. (LEAVE.md of the project's design has the
 * measurements.) A listener that closes resets the connections in its accept
 * queue and the handshakes under way to it. So a member first makes the kernel
 * choose other members, then serves until none is pending on its sockets, then
 * closes them:
 *
 *	step	what it does			what moves it on
 *	lock	one member leaves at a time:	it has the lock, or 5 s:
 *		waits, and serves meanwhile	choose
 *	choose	chooses the mode; a new member	a mode is chosen, or 20 ms:
 *		is in the kernel's group before	steer, gate or close
 *		it is on the registry, so an
 *		unknown socket is checked again
 *	steer	finds our index, attaches a BPF	attached: settle
 *		program that never chooses it	refused: gate
 *	settle	serves; each SYN that chose us	none pending, or 3 s: gate
 *		before the program is pending	the group changed: steer
 *	gate	drops all SYNs (minimal TTL):	none pending, or a limit:
 *		the program may have let some	close
 *		through when the group changed
 *	close	closes the sockets, then	on_left()
 *		unlocks, which wakes the other
 *		members: they mend the program
 *
 * If a member dies on the way, the kernel drops its lock, and the others mend
 * the program in the same way. The gate without steering loses nothing either,
 * but a new client that chose us must send its SYN again, after a second. It is
 * the mode for a group with foreign members, whose program we could not put
 * back, and for a socket whose index can't be known.
 *
 * The caller owns struct leave; leave.c closes the sockets of its set.
 */
#include "serve/leave.h"

#include <errno.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/fail.h"
#include "group/steer/member_index.h"
#include "group/steer/reconcile.h"
#include "net/accept_queue.h"
#include "serve/accept.h"

enum {
	TICK_US = 1000,
	LOCK_LIMIT_US = 5 * 1000 * 1000,
	LIMIT_US = 3 * 1000 * 1000,
	GATE_US = 1000 * 1000,		/* at least, for open handshakes */
	RECOUNT_US = 5 * 1000,
	STRANGER_US = 20 * 1000,	/* a new member has a slot by then */
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
leave_next(struct leave *l, void (*step)(struct leave *), int64_t delay)
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
leave_fall_back(struct leave *l, enum leave_mode mode, const char *why)
{
	l->mode = mode;
	l->why = why;
}

/* Half-open and queued connections of all our sockets. */
static int
leave_pending(const struct leave *l)
{
	int sum = 0;

	for (int i = 0; i < l->set->count; i++) {
		int n = listener_pending(l->set->fd[i]);

		/* no descriptor to read /proc: at least the queue */
		sum += n < 0 ? listener_queue(l->set->fd[i]) : n;
	}
	return sum;
}

static int
leave_half_open(const struct leave *l)
{
	int sum = leave_pending(l);

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

/* Counts the sockets of our groups; whether it changed; -1: unknown. */
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

/* How many sockets of a group belong to members on the registry. */
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

/* Whether each group that stays has an rpnc member to mend its program. */
static bool
rpnc_members_stay(struct leave *l)
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

/* Whether every socket of our groups belongs to a member on the registry. */
static bool
all_are_rpnc(struct leave *l)
{
	for (int i = 0; i < l->set->count; i++)
		if (known_members(l, i) < l->members[i])
			return false;
	return true;
}

/* Two sockets in one group: the program excludes only one index. */
static bool
has_two_in_one_group(const struct leave *l)
{
	for (int i = 1; i < l->set->count; i++)
		for (int j = 0; j < i; j++)
			if (addr_equal(&l->set->bound[i], &l->set->bound[j]))
				return true;
	return false;
}

/* Chooses the mode; false: check again, a new member may yet register. */
static bool
choose_mode(struct leave *l)
{
	bool all;

	l->mode = l->asked == LEAVE_AUTO ? LEAVE_STEER : l->asked;
	l->why = NULL;
	if (l->mode != LEAVE_CLOSE && sock_is_mptcp(l->set->fd[0]))
		leave_fall_back(l, LEAVE_DRAIN, "MPTCP takes no program");
	if (l->mode != LEAVE_STEER)
		return true;
	if (!l->locked)
		leave_fall_back(l, LEAVE_GATE,
		    "another one leaves and is stuck");
	else if (!l->diag || count_groups(l) < 0)
		leave_fall_back(l, LEAVE_GATE, "sock_diag is refused");
	if (l->mode != LEAVE_STEER)
		return true;
	/* once: a member that registers now changes the mode, if checked again */
	all = all_are_rpnc(l);
	if (!rpnc_members_stay(l))
		leave_fall_back(l, LEAVE_GATE, "no other rpnc");
	else if (has_two_in_one_group(l))
		leave_fall_back(l, LEAVE_GATE, "two sockets in one group");
	else if (l->asked == LEAVE_AUTO && !all)
		leave_fall_back(l, LEAVE_GATE, "not all are rpnc's");
	return l->mode == LEAVE_STEER || all;
}

/* If no rpnc member stays, nobody else would remove a program of ours. */
static void
clear_programs(struct leave *l)
{
	if (l->diag && count_groups(l) >= 0 && !rpnc_members_stay(l))
		reconcile_clear(l->registry, l->diag, l->set);
}

static void
detach_programs(const struct sock_set *set)
{
	for (int i = 0; i < set->count; i++)
		bpf_detach(set->fd[i]);
}

static void
step_lock(struct leave *l)
{
	l->locked = registry_steer_begin(l->registry) == 0;
	if (!l->locked && loop_now() - l->began < LOCK_LIMIT_US) {
		leave_next(l, step_lock, TICK_US);
		return;
	}
	l->limit = 0;
	step_choose(l);
}

/* After the first check, which may itself take long, there is always another. */
static bool
may_check_again(struct leave *l)
{
	if (l->limit)
		return loop_now() < l->limit;
	l->limit = loop_now() + STRANGER_US;
	return true;
}

static void
step_choose(struct leave *l)
{
	if (!choose_mode(l) && may_check_again(l)) {
		leave_next(l, step_choose, TICK_US);
		return;
	}
	l->limit = loop_now() + LIMIT_US;
	l->handshakes = leave_half_open(l);
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
	/* before the first program, so that others mend it if we die */
	reconcile_mark_dirty(l->registry, l->diag, l->set);
	l->steered = true;
	for (int i = 0; i < l->set->count; i++)
		if (exclude_one(l, i) < 0) {
			leave_fall_back(l, LEAVE_GATE, "the order is not known");
			detach_programs(l->set);
			step_gate(l);
			return;
		}
	listener_barrier();
	acceptor_drain(l->acceptor);
	/* not at once: who has been accepted is served before */
	leave_next(l, step_settle, TICK_US);
}

/* Serves until none is pending; steers again if the group changes. */
static void
step_settle(struct leave *l)
{
	acceptor_drain(l->acceptor);
	if (loop_now() > l->limit || !leave_pending(l)) {
		step_gate(l);
		return;
	}
	if (loop_now() - l->counted > RECOUNT_US && count_groups(l) != 0) {
		step_steer(l);
		return;
	}
	leave_next(l, step_settle, TICK_US);
}

/* Serves the connections that chose us just before the gate was shut. */
static void
step_last(struct leave *l)
{
	acceptor_drain(l->acceptor);
	if (loop_now() > l->limit || !leave_pending(l))
		step_close(l);
	else
		leave_next(l, step_last, TICK_US);
}

static void
step_gate(struct leave *l)
{
	if (l->limit < loop_now() + GATE_US)
		l->limit = loop_now() + GATE_US;
	/* connections inherit the gate of their listener: accept.c opens it */
	l->acceptor->gated = true;
	l->gated = true;
	for (int i = 0; i < l->set->count; i++)
		if (listener_gate(l->set->fd[i], 255) < 0)
			leave_fall_back(l, LEAVE_DRAIN, "IP_MINTTL is refused");
	listener_barrier();
	step_last(l);
}

/* A process that we can't see may share adopted sockets: undo the gate. */
static void
open_gates(const struct leave *l)
{
	for (int i = 0; i < l->set->count; i++)
		listener_gate(l->set->fd[i], 0);
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
	registry_set_leaving(l->registry, l->slot, false);
	registry_set_state(l->registry, l->slot,
	    l->ends ? STATE_LEFT : STATE_AWAY);
}

static void
step_close(struct leave *l)
{
	clear_programs(l);
	if (l->mode != LEAVE_CLOSE)
		acceptor_drain(l->acceptor);
	l->lost = leave_pending(l);
	l->queued = (int)(*l->served - l->before);
	if (l->gated && (l->set->adopted || l->set->inherited))
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

/* Another process keeps the sockets and what is queued: only closes them. */
static void
leave_held(struct leave *l)
{
	leave_fall_back(l, LEAVE_CLOSE, l->held);
	l->queued = -1;
	leave_close(l);
	l->active = false;
	l->on_left(l);
}

bool
leave_begin(struct leave *l, void (*step)(struct timer *))
{
	l->timer.on_timer = step;
	l->active = true;
	l->began = loop_now();
	l->queued = l->lost = 0;
	l->before = *l->served;
	l->why = NULL;
	if (l->held) {
		leave_held(l);
		return false;
	}
	registry_set_leaving(l->registry, l->slot, true);
	return true;
}

void
leave_start(struct leave *l)
{
	l->handshakes = 0;
	l->locked = l->steered = l->gated = false;
	if (!leave_begin(l, on_timer))
		return;
	l->diag = sock_diag_open();
	if (l->asked == LEAVE_DRAIN || l->asked == LEAVE_CLOSE) {
		l->mode = l->asked;
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
		detach_programs(l->set);
	leave_fall_back(l, LEAVE_CLOSE, "a second signal");
	step_close(l);
}
