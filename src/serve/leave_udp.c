/*
 * Leaves a UDP reuseport group. A socket that closes loses the datagrams in its
 * queue, so it must get no more before that:
 *
 *	part	connects the socket to an address that sends nothing: the
 *		kernel gives it no more datagrams, and it keeps its queue
 *		(KERNEL.md 1.4 of the project's design: from Linux 6.13 it is
 *		out of the group at once; before, the kernel passes it over)
 *	serve	after one barrier (accept_queue.h) all datagrams that chose us are
 *		queued: answers until none is left, or 3 s
 *	close	closes the sockets, and calls on_left()
 *
 * Other members have nothing to undo. So members leave without a lock, and
 * nothing needs mending if one dies on the way.
 */
#include "serve/leave.h"

#include <poll.h>

#include "base/container.h"
#include "net/accept_queue.h"
#include "net/udp_options.h"

enum {
	TICK_US = 1000,
	LIMIT_US = 3 * 1000 * 1000,
};

static bool
any_queued(const struct leave *l)
{
	struct pollfd p = { .events = POLLIN };

	for (int i = 0; i < l->set->count; i++) {
		p.fd = l->set->fd[i];
		if (poll(&p, 1, 0) > 0 && p.revents & POLLIN)
			return true;
	}
	return false;
}

static int
leave_udp_part(const struct leave *l)
{
	for (int i = 0; i < l->set->count; i++)
		if (udp_part(l->set->fd[i], &l->set->bound[i]) < 0)
			return -1;
	return 0;
}

static void
leave_udp_finish(struct leave *l)
{
	l->queued = (int)(*l->served - l->before);
	for (int i = 0; i < l->set->count; i++)
		l->lost += udp_discard(l->set->fd[i]);
	leave_close(l);
	l->active = false;
	l->on_left(l);
}

/* Serves until none is queued; waits while serve() can't (output is full). */
static void
on_timer(struct timer *t)
{
	struct leave *l = container_of(t, struct leave, timer);
	uint64_t before = *l->served;

	l->datagrams->serve(l);
	if (loop_now() > l->limit || !any_queued(l)) {
		leave_udp_finish(l);
		return;
	}
	loop_timer_set(l->loop, t, loop_now() +
	    (*l->served == before ? TICK_US : 0));
}

void
leave_udp_start(struct leave *l)
{
	l->handshakes = -1;
	if (!leave_begin(l, on_timer))
		return;
	l->limit = l->began + LIMIT_US;
	l->mode = l->asked;
	if (l->mode == LEAVE_CLOSE) {
		leave_udp_part(l);	/* so that none comes after the count */
		leave_udp_finish(l);
		return;
	}
	if (l->mode != LEAVE_DRAIN) {
		l->mode = LEAVE_CONNECT;
		if (leave_udp_part(l) < 0) {
			l->mode = LEAVE_DRAIN;
			l->why = "a socket can't be connected";
		}
		listener_barrier();
	}
	on_timer(&l->timer);
}

void
leave_udp_now(struct leave *l)
{
	if (!l->active)
		return;
	loop_timer_cancel(l->loop, &l->timer);
	l->mode = LEAVE_CLOSE;
	l->why = "a second signal";
	leave_udp_finish(l);
}
