/* What a place tells of who comes, goes and changes; and mends after it. */
#include <stdio.h>

#include "cmd/place.h"
#include "group/guest.h"

/* Workers of ours are told of by the listening event and the report. */
static bool
is_own(const struct place *p, const struct slot *s)
{
	return s->pid == p->owner || s->parent == p->owner;
}

/* How what is new is dealt out, for whoever reads it. */
static const char *
dealt(const struct place *p, char text[static STEERING_TEXT])
{
	const struct steering *s = &board_shared(p->board)->steering;

	if (!s->mode && guest_any(p->board))
		return "new connections go round who is quarantined";
	return steering_text(s, text);
}

static void
tell_member(struct watch *w, const struct slot *s, enum event_kind kind,
    const char *reason)
{
	struct place *p = w->user;
	char steering[STEERING_TEXT], name[BOARD_NAME];
	struct event e = {
		.kind = kind, .name = slot_name(s, name), .pid = s->pid,
		.reason = reason, .clients = (int64_t)s->counters.accepted,
		.steering = dealt(p, steering),
	};

	if (is_own(p, s))
		return;
	/* from now on it is judged anew */
	if (kind == EVENT_JOINED || kind == EVENT_LEFT)
		e.members = place_count(p, 1);
	else
		place_look(p);
	desk_tell(p->desk, &e);
	if (p->on_change)
		p->on_change(p);
}

static void
on_wake(struct watch *w)
{
	struct place *p = w->user;
	struct slot *own = place_slot(p);
	char why[64];

	if (board_is_lost(p->board) && !p->lost) {
		p->lost = true;
		fail_as(STATUS_OK, "another process has cut the board short: "
		    "members can't be shown, nor steered, any more");
		desk_error(p->desk);
	}
	if (own->replaced_by && !p->replaced && p->on_replaced) {
		p->replaced = true;
		snprintf(why, sizeof(why), "replaced by pid %d",
		    (int)own->replaced_by);
		p->on_replaced(p, why);
	}
	if (p->live && policy_apply(&p->policy, p->live) < 0)
		desk_error(p->desk);
}

static void
on_steering(struct watch *w, const struct steering *s)
{
	struct place *p = w->user;
	char text[STEERING_TEXT], name[BOARD_NAME];
	struct event e = {
		.kind = EVENT_STEERING, .name = "?", .pid = s->pid,
		.steering = steering_text(s, text),
	};

	for (int i = 0; i < BOARD_SLOTS; i++)
		if (board_slot(p->board, i)->pid == s->pid)
			e.name = slot_name(board_slot(p->board, i), name);
	place_look(p);
	desk_tell(p->desk, &e);
	if (p->on_change)
		p->on_change(p);
}

static void
on_join(struct watch *w, const struct slot *s)
{
	tell_member(w, s, EVENT_JOINED, NULL);
}

static void
on_leave(struct watch *w, const struct slot *s)
{
	tell_member(w, s, EVENT_LEFT, s->state == STATE_LEFT ||
	    s->state == STATE_AWAY ? "left" : "died");
}

static void
on_state(struct watch *w, const struct slot *s)
{
	if (s->state == STATE_RUNNING)
		tell_member(w, s, EVENT_RESUMED, "running");
	else
		tell_member(w, s, EVENT_PAUSED, s->state == STATE_FULL ?
		    "full" : s->state == STATE_PAUSED ? "paused" : "stopped");
}

/* The name of a member, also of one that has just gone; NULL: it is none. */
static const char *
name_of(const struct place *p, pid_t pid, char name[static BOARD_NAME])
{
	const char *last = NULL;

	for (int i = 0; i < BOARD_SLOTS; i++) {
		const struct slot *now = board_slot(p->board, i);
		const struct slot *seen = &p->watch.seen[i];

		if (now->pid == pid && board_is_member(p->board, i))
			return slot_name(now, name);
		if (seen->pid == pid && seen->kind == SLOT_MEMBER)
			last = slot_name(seen, name);
	}
	return last;
}

/* Whom a guest's wish is about; the command of who has no name. */
static void
tell_wish(struct watch *w, const struct slot *s, enum event_kind kind,
    const char *reason)
{
	struct place *p = w->user;
	char command[16 + 1], name[BOARD_NAME];
	struct event e = {
		.kind = kind, .pid = s->target, .reason = reason,
		.command = command,
	};

	owner_command(s->target, command);
	e.name = name_of(p, s->target, name);
	place_look(p);
	desk_tell(p->desk, &e);
	if (p->on_change)
		p->on_change(p);
}

static void
on_wish(struct watch *w, const struct slot *s)
{
	tell_wish(w, s, EVENT_PAUSED, "quarantined");
}

static void
on_wish_end(struct watch *w, const struct slot *s)
{
	tell_wish(w, s, EVENT_RESUMED, "released");
}

int
place_watch(struct place *p, struct desk *d, const struct sock_set *live)
{
	static const struct watch_ops ops = {
		.on_wake = on_wake, .on_join = on_join, .on_leave = on_leave,
		.on_state = on_state, .on_steering = on_steering,
		.on_wish = on_wish, .on_wish_end = on_wish_end,
	};

	p->desk = d;
	p->live = live;
	p->policy = (struct policy){
		.board = p->board, .diag = p->lookout.diag,
		.datagram = p->settings->udp,
	};
	p->watch.ops = &ops;
	p->watch.user = p;
	return watch_open(&p->watch, &d->loop, p->board);
}
