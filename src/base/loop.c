/*
 * The event loop: descriptors (struct source) and timers.
 *
 *	a source	moves on when
 *	watched		epoll reports it; loop_del() ends that
 *	always ready	a regular file, which epoll refuses: called every turn
 *	late		epoll had no room: every LATE_MS it is tried again, and
 *			poll(2) asked, which needs none
 *
 * A turn waits in epoll, then calls the sources that are ready, then the timers
 * that are due, then on_turn(). loop_del() also removes a source from the batch
 * in hand, so that no source is called after it. The loop owns neither sources
 * nor timers; the timers stand in a heap, ordered by time.
 */
#include "base/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"

enum { LATE_MS = 10 };

int64_t
loop_now(void)
{
	return clock_ns() / 1000;
}

int
loop_ms_until(int64_t when)
{
	int64_t left = when - loop_now();

	if (when == INT64_MAX)
		return -1;
	if (left <= 0)
		return 0;
	return left > 3600000000LL ? 3600000 : (int)((left + 999) / 1000);
}

int
loop_poll(struct pollfd *p, size_t n, int64_t deadline)
{
	if (poll(p, n, loop_ms_until(deadline)) < 0 && errno != EINTR)
		return fail("poll");
	return 0;
}

int
loop_open(struct loop *l)
{
	*l = (struct loop){ .epfd = epoll_create1(EPOLL_CLOEXEC) };
	return l->epfd < 0 ? fail("epoll_create1") : 0;
}

void
loop_close(struct loop *l)
{
	if (l->epfd >= 0)	/* loop_leave() */
		close(l->epfd);
	free(l->heap);
}

void
loop_leave(struct loop *l)
{
	close(l->epfd);
	l->epfd = -1;
}

static void
ready_del(struct loop *l, struct source *s)
{
	struct source **link = &l->ready;

	while (*link && *link != s)
		link = &(*link)->next;
	if (*link)
		*link = s->next;
	if (l->ready_next == s)
		l->ready_next = s->next;
}

static bool
lacks_room(void)
{
	return errno == ENOMEM || errno == ENOSPC;
}

static int
watch_late(struct loop *l, struct source *s, uint32_t events)
{
	if (s->watched)
		epoll_ctl(l->epfd, EPOLL_CTL_DEL, s->fd, NULL);
	s->watched = s->late = true;
	s->events = events;
	s->next = l->late;
	l->late = s;
	return 0;
}

static void
late_del(struct loop *l, struct source *s)
{
	struct source **link = &l->late;

	while (*link && *link != s)
		link = &(*link)->next;
	if (*link)
		*link = s->next;
	if (l->late_next == s)
		l->late_next = s->next;
	s->late = false;
}

int
loop_watch(struct loop *l, struct source *s, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = s };
	int op = s->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (s->watched && s->events == events)
		return 0;
	if (s->late) {
		s->events = events;
		return 0;
	}
	if (!s->unpollable && epoll_ctl(l->epfd, op, s->fd, &e) < 0) {
		if (lacks_room())
			return watch_late(l, s, events);
		if (errno != EPERM)
			return fail("epoll_ctl");
		s->unpollable = true;
	}
	if (s->unpollable && !events) {
		loop_del(l, s);
		return 0;
	}
	if (s->unpollable && !s->watched) {
		s->next = l->ready;
		l->ready = s;
	}
	s->watched = true;
	s->events = events;
	return 0;
}

/* poll(2) has the same bits as epoll. */
static void
run_late(struct loop *l)
{
	for (struct source *s = l->late; s && !l->stopped; s = l->late_next) {
		struct pollfd p = { s->fd, (short)s->events, 0 };

		l->late_next = s->next;
		late_del(l, s);
		s->watched = false;
		loop_watch(l, s, s->events);
		if (s->late && poll(&p, 1, 0) > 0)
			s->on_event(s, (uint32_t)p.revents);
	}
}

/* Forgets s, but for epoll: returns whether s is there. */
static bool
source_forget(struct loop *l, struct source *s)
{
	bool polled = s->watched && !s->late && !s->unpollable;

	if (!s->watched)
		return false;
	s->watched = false;
	s->events = 0;
	if (s->late)
		late_del(l, s);
	else if (s->unpollable)
		ready_del(l, s);
	for (int i = l->next; i < l->count; i++)
		if (l->batch[i].data.ptr == s)
			l->batch[i].data.ptr = NULL;
	return polled;
}

void
loop_del(struct loop *l, struct source *s)
{
	if (source_forget(l, s))
		epoll_ctl(l->epfd, EPOLL_CTL_DEL, s->fd, NULL);
}

void
loop_del_and_close(struct loop *l, struct source *s)
{
	source_forget(l, s);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void
heap_put(struct loop *l, size_t at, struct timer *t)
{
	l->heap[at] = t;
	t->at = at;
}

static void
heap_up(struct loop *l, size_t at, struct timer *t)
{
	for (; at > 1 && l->heap[at / 2]->when > t->when; at /= 2)
		heap_put(l, at, l->heap[at / 2]);
	heap_put(l, at, t);
}

static void
heap_down(struct loop *l, size_t at, struct timer *t)
{
	size_t child;

	for (; (child = at * 2) <= l->timers; at = child) {
		if (child < l->timers &&
		    l->heap[child + 1]->when < l->heap[child]->when)
			child++;
		if (l->heap[child]->when >= t->when)
			break;
		heap_put(l, at, l->heap[child]);
	}
	heap_put(l, at, t);
}

int
loop_timer_set(struct loop *l, struct timer *t, int64_t when)
{
	struct timer **heap = l->heap;

	loop_timer_cancel(l, t);
	if (l->timers + 2 > l->room) {
		size_t room = l->room ? l->room * 2 : 16;

		heap = realloc(heap, room * sizeof(struct timer *));
		if (!heap)
			return fail("timer");
		l->heap = heap;
		l->room = room;
	}
	t->when = when;
	heap_up(l, ++l->timers, t);
	return 0;
}

void
loop_timer_cancel(struct loop *l, struct timer *t)
{
	struct timer *last;
	size_t at = t->at;

	if (!at)
		return;
	t->at = 0;
	last = l->heap[l->timers--];
	if (last == t)
		return;
	if (at > 1 && l->heap[at / 2]->when > last->when)
		heap_up(l, at, last);
	else
		heap_down(l, at, last);
}

static bool
is_spinning(const struct loop *l)
{
	return l->spin && loop_now() - l->last_event < l->spin;
}

static int
wait_ms(const struct loop *l)
{
	int left;

	if (l->ready || l->busy || is_spinning(l))
		return 0;
	if (!l->timers)
		return l->late ? LATE_MS : -1;
	left = loop_ms_until(l->heap[1]->when);
	return l->late && left > LATE_MS ? LATE_MS : left;
}

static void
run_timers(struct loop *l)
{
	int64_t now = loop_now();

	while (!l->stopped && l->timers && l->heap[1]->when <= now) {
		struct timer *t = l->heap[1];

		loop_timer_cancel(l, t);
		t->on_timer(t);
	}
}

static void
run_ready(struct loop *l)
{
	for (struct source *s = l->ready; s && !l->stopped; s = l->ready_next) {
		l->ready_next = s->next;
		if (s->events)
			s->on_event(s, s->events);
	}
}

/*
 * A process that was stopped finds clients and the signal that ends it at one
 * time: the signal decides what becomes of the clients.
 */
static void
run_urgent(struct loop *l)
{
	for (int i = 0; i < l->count && !l->stopped; i++) {
		struct source *s = l->batch[i].data.ptr;

		if (!s || !s->urgent)
			continue;
		l->batch[i].data.ptr = NULL;
		s->on_event(s, l->batch[i].events);
	}
}

int
loop_run(struct loop *l)
{
	while (!l->stopped) {
		l->next = 0;
		l->count = epoll_wait(l->epfd, l->batch, 128, wait_ms(l));
		if (l->count < 0 && errno != EINTR)
			return fail("epoll_wait");
		if (l->spin && l->count > 0)
			l->last_event = loop_now();
		run_urgent(l);
		while (l->next < l->count && !l->stopped) {
			struct epoll_event *e = &l->batch[l->next++];
			struct source *s = e->data.ptr;

			if (s)
				s->on_event(s, e->events);
		}
		l->next = l->count = 0;
		run_late(l);
		run_ready(l);
		run_timers(l);
		if (l->turn)
			l->turn->on_turn(l->turn);
	}
	return 0;
}

void
loop_stop(struct loop *l)
{
	l->stopped = true;
}
