/* What a place tells of who comes, goes and changes; and mends after it. */
#include <stdio.h>

#include "app/emit.h"
#include "group/registry/process_id.h"
#include "group/registry/request.h"
#include "serve/membership.h"

/* Workers of ours are told of by the listening event and the report. */
static bool
is_own(const struct slot *s)
{
	return s->process == process_cookie() ||
	    s->parent == process_cookie();
}

/* -1: not ours to know. */
static int64_t
shown(const struct slot *s)
{
	pid_t pid = slot_pid(s);

	return pid ? pid : -1;
}

/* How what is new is dealt out, for whoever reads it. */
static const char *
dealt(const struct membership *p, char text[static MODE_TEXT])
{
	const struct steering *s = &registry_shared(p->registry)->steering;

	if (!s->mode && request_any(p->registry))
		return "new connections avoid the quarantined member";
	return mode_text(s, text);
}

static void
tell_member(struct registry_events *w, const struct slot *s,
    enum event_kind kind, const char *reason)
{
	struct membership *p = w->user;
	char steering[MODE_TEXT], name[REGISTRY_NAME];
	struct event e = {
		.kind = kind, .name = slot_name(s, name), .pid = shown(s),
		.reason = reason, .clients = (int64_t)s->counters.accepted,
		.steering = dealt(p, steering),
	};

	if (is_own(s))
		return;
	/* from now on it is judged anew */
	if (kind == EVENT_JOINED || kind == EVENT_LEFT)
		e.members = membership_count(p, 1);
	else
		membership_look(p);
	emit_event(p->app, &e);
	if (p->on_change)
		p->on_change(p);
}

/* By the process that has that cookie. */
static void
tell_replaced(struct membership *p, uint64_t process)
{
	int slot = registry_find_process(p->registry, process);
	const struct slot *by = slot < 0 ? NULL
					 : registry_slot(p->registry, slot);
	char why[64], name[REGISTRY_NAME];

	if (by && slot_pid(by))
		snprintf(why, sizeof(why), "replaced by pid %d",
		    (int)slot_pid(by));
	else
		snprintf(why, sizeof(why), "replaced by %s",
		    by ? slot_name(by, name) : "a member that has gone");
	p->replaced = true;
	p->on_replaced(p, why);
}

static void
on_wake(struct registry_events *w)
{
	struct membership *p = w->user;
	struct slot *own = membership_slot(p);

	if (registry_is_lost(p->registry) && !p->lost) {
		p->lost = true;
		fail_as(STATUS_OK, "another process has cut the registry short: "
		    "members can't be shown, nor steered, any more");
		emit_error(p->app);
	}
	if (own->replaced_by && !p->replaced && p->on_replaced)
		tell_replaced(p, own->replaced_by);
	if (p->live && reconcile_apply(&p->reconcile, p->live) < 0)
		emit_error(p->app);
}

static void
on_steering(struct registry_events *w, const struct steering *s)
{
	struct membership *p = w->user;
	char text[MODE_TEXT], name[REGISTRY_NAME];
	struct event e = {
		.kind = EVENT_STEERING, .name = "?", .pid = -1,
		.steering = mode_text(s, text),
	};
	int by = registry_find_process(p->registry, s->process);

	if (by >= 0) {
		e.name = slot_name(registry_slot(p->registry, by), name);
		e.pid = shown(registry_slot(p->registry, by));
	}
	membership_look(p);
	emit_event(p->app, &e);
	if (p->on_change)
		p->on_change(p);
}

static void
on_join(struct registry_events *w, const struct slot *s)
{
	tell_member(w, s, EVENT_JOINED, NULL);
}

static void
on_leave(struct registry_events *w, const struct slot *s)
{
	tell_member(w, s, EVENT_LEFT, s->state == STATE_LEFT ||
	    s->state == STATE_AWAY ? "left" : "died");
}

static void
on_state(struct registry_events *w, const struct slot *s)
{
	if (s->state == STATE_RUNNING)
		tell_member(w, s, EVENT_RESUMED, "running");
	else
		tell_member(w, s, EVENT_PAUSED, s->state == STATE_FULL ?
		    "full" : s->state == STATE_PAUSED ? "paused" : "stopped");
}

static bool
has_wished(const struct slot *s, const struct slot *guest)
{
	for (int i = 0; s->kind == SLOT_MEMBER && i < REGISTRY_SOCKETS; i++)
		if (slot_socket(guest, s->inodes[i]) >= 0)
			return true;
	return false;
}

/* The target of a guest's wish, or a member that has just gone. */
static const struct slot *
target_of(const struct membership *p, const struct slot *guest)
{
	const struct slot *last = NULL;

	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		if (has_wished(registry_slot(p->registry, i), guest) &&
		    registry_is_member(p->registry, i))
			return registry_slot(p->registry, i);
		if (has_wished(&p->watch.seen[i], guest))
			last = &p->watch.seen[i];
	}
	return last;
}

/* Whom a guest's wish is about; the command of who has no name. */
static void
tell_wish(struct registry_events *w, const struct slot *s, enum event_kind kind,
    const char *reason)
{
	struct membership *p = w->user;
	const struct slot *target = target_of(p, s);
	pid_t pid = target ? slot_pid(target) : slot_target(s);
	char command[16 + 1] = "", name[REGISTRY_NAME];
	struct event e = {
		.kind = kind, .pid = pid ? pid : -1, .reason = reason,
		.command = command,
		.name = target ? slot_name(target, name) : NULL,
	};

	if (pid)
		owner_command(pid, command);
	membership_look(p);
	emit_event(p->app, &e);
	if (p->on_change)
		p->on_change(p);
}

static void
on_wish(struct registry_events *w, const struct slot *s)
{
	tell_wish(w, s, EVENT_PAUSED, "quarantined");
}

static void
on_wish_end(struct registry_events *w, const struct slot *s)
{
	tell_wish(w, s, EVENT_RESUMED, "released");
}

int
membership_watch(struct membership *p, struct app *d,
    const struct sock_set *live)
{
	static const struct registry_events_ops ops = {
		.on_wake = on_wake, .on_join = on_join, .on_leave = on_leave,
		.on_state = on_state, .on_steering = on_steering,
		.on_wish = on_wish, .on_wish_end = on_wish_end,
	};

	p->app = d;
	p->live = live;
	p->reconcile = (struct reconcile){
		.registry = p->registry, .diag = p->sockinfo.diag,
		.datagram = p->settings->udp,
	};
	p->watch.ops = &ops;
	p->watch.user = p;
	return registry_events_open(&p->watch, &d->loop, p->registry);
}
