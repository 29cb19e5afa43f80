/*
 * Compares the registry with a copy of its slots (`seen`) and reports each
 * difference: a member that came, went or changed, and requests.
 *
 * inotify(7) says when to compare. A process that ends closes the file before
 * the kernel drops its locks, so the slot still looks alive; events_settle()
 * therefore compares again after SETTLE_US, twice.
 */
#include "group/registry/registry_events.h"

#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "group/registry/spare_request.h"

enum {
	/*
	 * inotify(7) reports the close of a file before its locks are dropped:
	 * usually a moment, on a busy machine much longer.
	 */
	SETTLE_US = 10 * 1000,
	POLL_US = 1000 * 1000,
};

static void
events_emit(struct registry_events *w,
    void (*news)(struct registry_events *, const struct slot *),
    const struct slot *s)
{
	if (news)
		news(w, s);
}

/* Whether another known request asks for the same. */
static bool
is_requested_again(const struct registry_events *w, const struct slot *s)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++)
		if (w->seen[i].order && &w->seen[i] != s &&
		    request_covers(&w->seen[i], s))
			return true;
	return false;
}

/*
 * Requests come and go like members. Several may ask for the same: only the
 * first one begins it, and the last one ends it.
 */
static void
events_emit_coming(struct registry_events *w,
    const struct registry_events_ops *ops, const struct slot *s)
{
	if (s->kind != SLOT_REQUEST)
		events_emit(w, ops->on_join, s);
	else if (!is_requested_again(w, s))
		events_emit(w, ops->on_request, s);
}

static void
events_emit_going(struct registry_events *w,
    const struct registry_events_ops *ops, const struct slot *s)
{
	if (s->kind != SLOT_REQUEST)
		events_emit(w, ops->on_leave, s);
	else if (!is_requested_again(w, s))
		events_emit(w, ops->on_request_end, s);
}

/* Compares one slot with its copy. */
static void
events_look(struct registry_events *w, int i)
{
	static const struct registry_events_ops none;
	const struct registry_events_ops *ops = w->quiet ? &none : w->ops;
	struct slot *seen = &w->seen[i];
	const struct slot *now = registry_slot(w->registry, i);
	bool here = registry_is_member(w->registry, i) ||
	    request_is_here(w->registry, i);

	if (seen->order && (!here || now->order != seen->order)) {
		if (now->order == seen->order)
			*seen = *now;
		events_emit_going(w, ops, seen);
		seen->order = 0;
	}
	if (!here)
		return;
	if (!seen->order)
		events_emit_coming(w, ops, now);
	else if (seen->state != now->state)
		events_emit(w, ops->on_state, now);
	*seen = *now;
}

static void
events_look_all(struct registry_events *w)
{
	const struct steering *s = &registry_shared(w->registry)->steering;

	if (w->serial != s->serial && !w->quiet && w->ops->on_steering)
		w->ops->on_steering(w, s);
	w->serial = s->serial;
	if (w->ops->on_wake)
		w->ops->on_wake(w);
	if (registry_is_lost(w->registry))
		return;
	for (int i = 0; i < REGISTRY_SLOTS; i++)
		if (w->seen[i].order || registry_slot(w->registry, i)->kind)
			events_look(w, i);
}

static void
on_look_again(struct timer *t)
{
	struct registry_events *w = container_of(t, struct registry_events,
	    again);

	events_look_all(w);
	/* foreign members don't notify, but a program's indices include them */
	if (w->source.fd < 0 || !w->settled ||
	    registry_shared(w->registry)->steering.mode ||
	    request_any(w->registry))
		loop_timer_set(w->loop, t, loop_now() + POLL_US);
	w->settled = true;
}

/* Compares again soon, and then once more. */
static void
events_settle(struct registry_events *w)
{
	w->settled = false;
	loop_timer_set(w->loop, &w->again, loop_now() + SETTLE_US);
}

static void
on_event(struct source *s, uint32_t events)
{
	struct registry_events *w = container_of(s, struct registry_events,
	    source);
	char room[4096];

	(void)events;
	while (read(s->fd, room, sizeof(room)) > 0)
		continue;
	events_look_all(w);
	events_settle(w);
}

int
registry_events_open(struct registry_events *w, struct loop *l,
    struct registry *b)
{
	memset(w->seen, 0, sizeof(w->seen));
	w->loop = l;
	w->registry = b;
	w->again.on_timer = on_look_again;
	w->source.on_event = on_event;
	w->source.fd = -1;
	w->quiet = true;
	events_look_all(w);
	w->quiet = false;
	w->source.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->source.fd >= 0 && registry_watch(b, w->source.fd,
	    IN_MODIFY | IN_CLOSE_WRITE) == 0) {
		events_settle(w);	/* changes before the watch began */
		return loop_watch(l, &w->source, EPOLLIN);
	}
	if (w->source.fd >= 0)
		close(w->source.fd);
	w->source.fd = -1;
	return loop_timer_set(l, &w->again, loop_now() + POLL_US);
}

void
registry_events_close(struct registry_events *w)
{
	if (!w->loop)
		return;
	loop_timer_cancel(w->loop, &w->again);
	loop_del(w->loop, &w->source);
	if (w->source.fd >= 0)
		close(w->source.fd);
}
