/*
 * Watches the registry of a membership, and emits an event for each change:
 *
 *	event		what changed on the registry
 *	joined		a slot was claimed
 *	left		a slot was released, or its process died
 *	paused		a slot's state is full, paused or stopped; or a request
 *			(spare_request.h) asks to spare a member: quarantined
 *	resumed		its state is running; or the request ended
 *	steering	the group's steering mode
 *
 * After each wake it also mends the attached program (reconcile.h), and sees
 * whether a new member replaces this one. Members of this server (its workers)
 * have no events.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/emit.h"
#include "base/container.h"
#include "group/registry/process_id.h"
#include "group/registry/spare_request.h"
#include "group/replace.h"
#include "net/multicast.h"
#include "serve/membership.h"

enum {
	RECENT_US = 1500 * 1000,	/* headers read them each second */
	SETTLE_US = 1000 * 1000,
	TICK_NS = 1000 * 1000,		/* between two looks at programs */
};

/* This process, or a worker of it. */
static bool
is_own(const struct slot *s)
{
	return s->process == process_cookie() ||
	    s->parent == process_cookie();
}

/* The pid for an event; -1: it is in another pid namespace. */
static int64_t
shown_pid(const struct slot *s)
{
	pid_t pid = slot_pid(s);

	return pid ? pid : -1;
}

/* How new connections are distributed now, for an event's text. */
static const char *
shown_steering(const struct membership *m, char text[static MODE_TEXT])
{
	const struct steering *s = &registry_shared(m->registry)->steering;

	if (!s->mode && request_any(m->registry))
		return "new connections avoid the quarantined member";
	return mode_text(s, text);
}

/*
 * The clients in the queue of a member that has died: the kernel has reset them
 * with its sockets, so only a look shortly before tells. -1: there was none.
 */
static int64_t
lost_queue(const struct membership *m, const char *name)
{
	const struct group_stats *s = &m->stats;

	if (m->settings->udp || loop_now() - m->observed > RECENT_US)
		return -1;
	for (size_t i = 0; i < s->scoreboard.count; i++)
		if (s->rows[i].name && strcmp(s->rows[i].name, name) == 0)
			return s->rows[i].queue;
	return -1;
}

/* A datagram's peer has no connection. */
static int64_t
lost_open(const struct membership *m, const struct counters *c)
{
	return m->settings->udp ? -1 : (int64_t)(c->accepted - c->closed);
}

/* Emits an event of the group, with the shares of its members as its text. */
static void
emit_change(struct membership *m, struct event *e)
{
	char shares[SHARES_TEXT];

	e->text = group_stats_shares(&m->stats, m->registry, shares);
	emit_event(m->app, e);
	if (m->on_change)
		m->on_change(m);
}

/* A member with another address, or with more sockets, gets another share. */
static bool
shares_differ(const struct membership *m)
{
	const struct members *all = &m->stats.members;

	for (int i = 1; i < all->count; i++)
		if (all->list[i].sockets != all->list[0].sockets)
			return true;
	return false;
}

static void
emit_member(struct registry_events *events, const struct slot *s,
    enum event_kind kind, const char *reason)
{
	struct membership *m = events->user;
	char steering[MODE_TEXT], name[REGISTRY_NAME], old[SLOT_TEXT];
	const struct slot *from = kind == EVENT_JOINED ?
	    replace_taken_from(m->registry, s) : NULL;
	struct event e = {
		.kind = kind, .name = slot_name(s, name), .pid = shown_pid(s),
		.replaces = from ? slot_text(from, old) : NULL,
		.reason = reason, .clients = (int64_t)s->counters.accepted,
		.steering = multicast_is_group(&m->set.bound[0]) ?
		    "each gets every datagram" : shown_steering(m, steering),
		.waiting = -1,
		.cut = -1,
	};

	if (is_own(s))
		return;
	if (kind == EVENT_LEFT && strcmp(reason, "died") == 0) {
		e.waiting = lost_queue(m, name);
		e.cut = lost_open(m, &s->counters);
	}
	/* a change starts a new judgement of how even the group is */
	if (kind == EVENT_JOINED || kind == EVENT_LEFT)
		e.members = membership_count(m, 1);
	else
		membership_observe(m);
	if (e.steering && strcmp(e.steering, "hash") == 0 && shares_differ(m))
		e.steering = "with unequal shares";
	emit_change(m, &e);
}

/* Reports that the process with that cookie (process_id.h) replaces us. */
static void
report_replaced(struct membership *m, uint64_t process)
{
	int slot = registry_find_process(m->registry, process);
	const struct slot *own = membership_slot(m);
	const struct slot *by = slot < 0 ? NULL
					 : registry_slot(m->registry, slot);
	char why[96], name[REGISTRY_NAME];
	int used;

	if (by && slot_pid(by))
		used = snprintf(why, sizeof(why), "replaced by pid %d",
		    (int)slot_pid(by));
	else
		used = snprintf(why, sizeof(why), "replaced by %s",
		    by ? slot_name(by, name) : "a member that has gone");
	if (own->name_taken_by)
		snprintf(why + used, sizeof(why) - (size_t)used,
		    ", which is %s now", m->name);
	slot_name(own, m->name);
	m->replaced = true;
	m->on_replaced(m, why);
}

/* If the process that took our name ended before it served, takes it back. */
static void
watch_name(struct membership *m, struct slot *own)
{
	replace_give_back(m->registry, own, m->name);
	if (!own->name_taken_by)
		slot_name(own, m->name);
}

static void
on_wake(struct registry_events *e)
{
	struct membership *m = e->user;
	struct slot *own = membership_slot(m);

	if (registry_is_lost(m->registry) && !m->lost) {
		m->lost = true;
		fail_as(STATUS_OK, "another process has cut the registry short: "
		    "members can't be shown, nor steered, any more");
		emit_error(m->app);
	}
	if (own->replaced_by && !m->replaced && m->on_replaced)
		report_replaced(m, own->replaced_by);
	else if (own->name_taken_by && !m->replaced)
		watch_name(m, own);
	if (m->listening && balance_apply(&m->balance) < 0)
		emit_error(m->app);
}

static void
on_steering(struct registry_events *events, const struct steering *s)
{
	struct membership *m = events->user;
	char text[MODE_TEXT], name[REGISTRY_NAME];
	struct event e = {
		.kind = EVENT_STEERING, .pid = -1,
		.steering = mode_text(s, text),
	};
	int by = registry_find_process(m->registry, s->process);

	if (by >= 0) {
		e.name = slot_name(registry_slot(m->registry, by), name);
		e.pid = shown_pid(registry_slot(m->registry, by));
	}
	membership_observe(m);
	emit_change(m, &e);
}

static void
on_join(struct registry_events *e, const struct slot *s)
{
	emit_member(e, s, EVENT_JOINED, NULL);
}

static void
on_leave(struct registry_events *e, const struct slot *s)
{
	emit_member(e, s, EVENT_LEFT, s->state == STATE_LEFT ||
	    s->state == STATE_AWAY ? "left" : "died");
}

static void
on_state(struct registry_events *e, const struct slot *s)
{
	if (s->state == STATE_RUNNING)
		emit_member(e, s, EVENT_RESUMED, "running");
	else
		emit_member(e, s, EVENT_PAUSED, s->state == STATE_FULL ?
		    "full" : s->state == STATE_PAUSED ? "paused" : "stopped");
}

static bool
is_requested_slot(const struct slot *s, const struct slot *request)
{
	for (int i = 0; s->kind == SLOT_MEMBER && i < REGISTRY_SOCKETS; i++)
		if (slot_socket(request, s->inodes[i]) >= 0)
			return true;
	return false;
}

/* The member that a request names, or one that has just left. */
static const struct slot *
request_member(const struct membership *m, const struct slot *request)
{
	const struct slot *last = NULL;

	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		if (is_requested_slot(registry_slot(m->registry, i), request) &&
		    registry_is_member(m->registry, i))
			return registry_slot(m->registry, i);
		if (is_requested_slot(&m->watch.seen[i], request))
			last = &m->watch.seen[i];
	}
	return last;
}

/* Emits that a member is quarantined or released. */
static void
emit_request(struct registry_events *events, const struct slot *s,
    enum event_kind kind, const char *reason)
{
	struct membership *m = events->user;
	const struct slot *target = request_member(m, s);
	pid_t pid = target ? slot_pid(target) : slot_target(s);
	char command[16 + 1] = "", name[REGISTRY_NAME];
	struct event e = {
		.kind = kind, .pid = pid ? pid : -1, .reason = reason,
		.command = command,
		.name = target ? slot_name(target, name) : NULL,
	};

	if (pid)
		owner_command(pid, command);
	membership_observe(m);
	emit_event(m->app, &e);
	if (m->on_change)
		m->on_change(m);
}

static void
on_request(struct registry_events *e, const struct slot *s)
{
	emit_request(e, s, EVENT_PAUSED, "quarantined");
}

static void
on_request_end(struct registry_events *e, const struct slot *s)
{
	emit_request(e, s, EVENT_RESUMED, "released");
}

static void
on_balance_fault(struct balance *b)
{
	emit_error(container_of(b, struct membership, balance)->app);
}

void
membership_balance(struct membership *m, struct app *a,
    const struct sock_set *listening, int slot)
{
	m->app = a;
	m->balance = (struct balance){
		.reconcile = {
			.registry = m->registry, .diag = m->sockinfo.diag,
			.datagram = m->settings->udp,
		},
		.set = listening,
		.own = &registry_slot(m->registry, slot)->counters,
		.on_fault = on_balance_fault,
	};
	balance_start(&m->balance, &a->loop);
}

/* Whether the groups of a slot's sockets have their programs. */
static bool
is_settled(struct membership *m, const struct slot *s)
{
	struct diag_sock *list = NULL;
	bool due = false;

	for (int i = 0; i < REGISTRY_SOCKETS && s->inodes[i]; i++) {
		int n = sock_diag_group_with(m->sockinfo.diag,
		    m->settings->udp ? IPPROTO_UDP : IPPROTO_TCP,
		    addr_port(&m->set.bound[0]), s->inodes[i], &list);

		due |= n > 0 && reconcile_progress(m->registry,
		    m->sockinfo.diag, &list[0]) == PROGRESS_DUE;
		free(list);
	}
	return !due;
}

static bool
are_own_settled(struct membership *m)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(m->registry, i);

		if (s->kind == SLOT_MEMBER && is_own(s) && !is_settled(m, s))
			return false;
	}
	return true;
}

void
membership_settle(struct membership *m, const struct sock_set *set)
{
	struct reconcile p = {
		.registry = m->registry, .diag = m->sockinfo.diag,
		.datagram = m->settings->udp,
	};
	struct timespec tick = { .tv_nsec = TICK_NS };
	int64_t until = loop_now() + SETTLE_US;

	if (!p.diag || !registry_shared(m->registry)->steering.mode)
		return;
	while (loop_now() < until) {
		if (set)
			reconcile_apply(&p, set);
		if (are_own_settled(m))
			return;
		nanosleep(&tick, NULL);
	}
}

int
membership_watch(struct membership *m, struct app *a,
    const struct sock_set *listening)
{
	static const struct registry_events_ops ops = {
		.on_wake = on_wake, .on_join = on_join, .on_leave = on_leave,
		.on_state = on_state, .on_steering = on_steering,
		.on_request = on_request, .on_request_end = on_request_end,
	};

	m->app = a;
	m->listening = listening;
	if (listening)
		membership_balance(m, a, listening, m->slot);
	m->watch.ops = &ops;
	m->watch.user = m;
	return registry_events_open(&m->watch, &a->loop, m->registry);
}
