#include "group/watch.h"

#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fail.h"

enum {
	/* a file is told to be closed just before its locks are dropped */
	SETTLE_US = 10 * 1000,
	POLL_US = 1000 * 1000,
};

/* Compares one slot with what was seen of it. */
static void
look(struct watch *w, int i, bool quiet)
{
	struct slot *seen = &w->seen[i];
	const struct slot *now = board_slot(w->board, i);
	bool member = board_is_member(w->board, i);

	if (seen->order && (!member || now->order != seen->order)) {
		if (now->order == seen->order)
			*seen = *now;
		if (!quiet)
			w->ops->on_leave(w, seen);
		seen->order = 0;
	}
	if (!member)
		return;
	if (!seen->order && !quiet)
		w->ops->on_join(w, now);
	else if (seen->order && seen->state != now->state && !quiet)
		w->ops->on_state(w, now);
	*seen = *now;
}

static void
look_all(struct watch *w, bool quiet)
{
	for (int i = 0; i < BOARD_SLOTS; i++)
		if (w->seen[i].order || board_slot(w->board, i)->kind)
			look(w, i, quiet);
}

static void
on_again(struct timer *t)
{
	struct watch *w = (struct watch *)((char *)t -
	    offsetof(struct watch, again));

	look_all(w, false);
	if (w->source.fd < 0)
		loop_timer_set(w->loop, t, loop_now() + POLL_US);
}

static void
on_event(struct source *s, uint32_t events)
{
	struct watch *w = (struct watch *)s;
	char room[4096];

	(void)events;
	while (read(s->fd, room, sizeof(room)) > 0)
		continue;
	look_all(w, false);
	loop_timer_set(w->loop, &w->again, loop_now() + SETTLE_US);
}

int
watch_open(struct watch *w, struct loop *l, struct board *b)
{
	char path[32];

	memset(w->seen, 0, sizeof(w->seen));
	w->loop = l;
	w->board = b;
	w->again.on_timer = on_again;
	w->source.on_event = on_event;
	w->source.fd = -1;
	look_all(w, true);
	if (board_is_private(b))
		return 0;
	w->source.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", board_descriptor(b));
	if (w->source.fd >= 0 && inotify_add_watch(w->source.fd, path,
	    IN_MODIFY | IN_CLOSE_WRITE) >= 0)
		return loop_watch(l, &w->source, EPOLLIN);
	if (w->source.fd >= 0)
		close(w->source.fd);
	w->source.fd = -1;
	return loop_timer_set(l, &w->again, loop_now() + POLL_US);
}

void
watch_close(struct watch *w)
{
	if (!w->loop)
		return;
	loop_timer_cancel(w->loop, &w->again);
	loop_del(w->loop, &w->source);
	if (w->source.fd >= 0)
		close(w->source.fd);
}
