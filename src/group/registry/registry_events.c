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
events_emit(struct registry_events *e,
    void (*news)(struct registry_events *, const struct slot *),
    const struct slot *s)
{
	if (news)
		news(e, s);
}

/* Whether another known request asks for the same. */
static bool
is_requested_again(const struct registry_events *e, const struct slot *s)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++)
		if (e->seen[i].order && &e->seen[i] != s &&
		    request_covers(&e->seen[i], s))
			return true;
	return false;
}

/*
 * Requests come and go like members. Several may ask for the same: only the
 * first one begins it, and the last one ends it.
 */
static void
events_emit_coming(struct registry_events *e,
    const struct registry_events_ops *ops, const struct slot *s)
{
	if (s->kind != SLOT_REQUEST)
		events_emit(e, ops->on_join, s);
	else if (!is_requested_again(e, s))
		events_emit(e, ops->on_request, s);
}

static void
events_emit_going(struct registry_events *e,
    const struct registry_events_ops *ops, const struct slot *s)
{
	if (s->kind != SLOT_REQUEST)
		events_emit(e, ops->on_leave, s);
	else if (!is_requested_again(e, s))
		events_emit(e, ops->on_request_end, s);
}

/* Compares one slot with its copy. */
static void
events_observe(struct registry_events *e, int i)
{
	static const struct registry_events_ops none;
	const struct registry_events_ops *ops = e->quiet ? &none : e->ops;
	struct slot *seen = &e->seen[i];
	const struct slot *now = registry_slot(e->registry, i);
	bool here = registry_is_member(e->registry, i) ||
	    request_is_here(e->registry, i);

	if (seen->order && (!here || now->order != seen->order)) {
		if (now->order == seen->order)
			*seen = *now;
		events_emit_going(e, ops, seen);
		seen->order = 0;
	}
	if (!here)
		return;
	if (!seen->order)
		events_emit_coming(e, ops, now);
	else if (seen->state != now->state)
		events_emit(e, ops->on_state, now);
	*seen = *now;
}

static void
events_observe_all(struct registry_events *e)
{
	const struct steering *s = &registry_shared(e->registry)->steering;

	if (e->serial != s->serial && !e->quiet && e->ops->on_steering)
		e->ops->on_steering(e, s);
	e->serial = s->serial;
	if (e->ops->on_wake)
		e->ops->on_wake(e);
	if (registry_is_lost(e->registry))
		return;
	for (int i = 0; i < REGISTRY_SLOTS; i++)
		if (e->seen[i].order || registry_slot(e->registry, i)->kind)
			events_observe(e, i);
}

static void
on_observe_again(struct timer *t)
{
	struct registry_events *e = container_of(t, struct registry_events,
	    again);

	events_observe_all(e);
	/* foreign members don't notify, but a program's indices include them */
	if (e->source.fd < 0 || !e->settled ||
	    registry_shared(e->registry)->steering.mode ||
	    request_any(e->registry))
		loop_timer_set(e->loop, t, loop_now() + POLL_US);
	e->settled = true;
}

/* Compares again soon, and then once more. */
static void
events_settle(struct registry_events *e)
{
	e->settled = false;
	loop_timer_set(e->loop, &e->again, loop_now() + SETTLE_US);
}

static void
on_event(struct source *s, uint32_t events)
{
	struct registry_events *e = container_of(s, struct registry_events,
	    source);
	char room[4096];

	(void)events;
	while (read(s->fd, room, sizeof(room)) > 0)
		continue;
	events_observe_all(e);
	events_settle(e);
}

int
registry_events_open(struct registry_events *e, struct loop *l,
    struct registry *r)
{
	memset(e->seen, 0, sizeof(e->seen));
	e->loop = l;
	e->registry = r;
	e->again.on_timer = on_observe_again;
	e->source.on_event = on_event;
	e->source.fd = -1;
	e->quiet = true;
	events_observe_all(e);
	e->quiet = false;
	e->source.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (e->source.fd >= 0 && registry_watch(r, e->source.fd,
	    IN_MODIFY | IN_CLOSE_WRITE) == 0) {
		events_settle(e);	/* changes before the watch began */
		return loop_watch(l, &e->source, EPOLLIN);
	}
	if (e->source.fd >= 0)
		close(e->source.fd);
	e->source.fd = -1;
	return loop_timer_set(l, &e->again, loop_now() + POLL_US);
}

void
registry_events_close(struct registry_events *e)
{
	if (!e->loop)
		return;
	loop_timer_cancel(e->loop, &e->again);
	loop_del(e->loop, &e->source);
	if (e->source.fd >= 0)
		close(e->source.fd);
}
