/*
 * How it works. A datagram socket that closes loses what is queued on it, so
 * it must be out of its group before:
 *
 *	part	connect it to an address from which nothing comes: the kernel
 *		gives it no more, and its queue stays (KERNEL.md 1.4 of the
 *		project's design: at once from Linux 6.13; before that it
 *		stays a member that is passed over)
 *	serve	what chose us before is queued after one barrier: read and
 *		answer until nothing is left
 *	close
 *
 * Nothing here has to be undone by others, so that leavers need not wait for
 * each other, nor be mended when they die.
 */
#include "serve/leave.h"

#include <poll.h>

#include "base/container.h"
#include "net/listener.h"
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
part_all(const struct leave *l)
{
	for (int i = 0; i < l->set->count; i++)
		if (udp_part(l->set->fd[i], &l->set->bound[i]) < 0)
			return -1;
	return 0;
}

static void
finish(struct leave *l)
{
	l->queued = (int)(*l->served - l->before);
	for (int i = 0; i < l->set->count; i++)
		l->lost += udp_discard(l->set->fd[i]);
	leave_close(l);
	l->active = false;
	l->on_left(l);
}

/* Until nothing is left; a reader that is slow to take it is waited for. */
static void
serve(struct timer *t)
{
	struct leave *l = container_of(t, struct leave, timer);
	uint64_t before = *l->served;

	l->datagrams->serve(l);
	if (loop_now() > l->limit || !any_queued(l)) {
		finish(l);
		return;
	}
	loop_timer_set(l->loop, t, loop_now() +
	    (*l->served == before ? TICK_US : 0));
}

void
leave_udp_start(struct leave *l)
{
	l->timer.on_timer = serve;
	l->active = true;
	l->began = loop_now();
	l->limit = l->began + LIMIT_US;
	l->queued = l->lost = 0;
	l->handshakes = -1;
	l->before = *l->served;
	l->why = NULL;
	if (l->held) {
		leave_held(l);
		return;
	}
	l->mode = l->wish;
	if (l->mode == LEAVE_CLOSE) {
		part_all(l);	/* or more comes while they are counted */
		finish(l);
		return;
	}
	if (l->mode != LEAVE_DRAIN) {
		l->mode = LEAVE_CONNECT;
		if (part_all(l) < 0) {
			l->mode = LEAVE_DRAIN;
			l->why = "a socket can't be connected";
		}
		listener_barrier();
	}
	serve(&l->timer);
}

void
leave_udp_now(struct leave *l)
{
	if (!l->active)
		return;
	loop_timer_cancel(l->loop, &l->timer);
	l->mode = LEAVE_CLOSE;
	l->why = "a second signal";
	finish(l);
}
