/*
 * Accepts connections on the listening sockets of an endpoint, within a limit.
 *
 *	state		what it does		what moves it on
 *	watched		accepts until EAGAIN	limit reached, or
 *						acceptor_pause(): held back
 *						accept(2) fails: resting
 *	held back	not watched; clients	acceptor_freed(), or
 *	(all of them)	wait in the queue	acceptor_resume(): watched
 *	resting		not watched: there are	acceptor_freed(), or the pause
 *	(by itself)	no descriptors, or	of backoff.h is over: watched
 *			accept(2) is refused
 *	closed		by acceptor_close()
 *
 * The acceptor owns the sockets, on_accept() owns the connection.
 */
#include "serve/accept.h"

#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "kernel/adopt.h"
#include "net/accept_queue.h"

enum {
	ACCEPTS_A_WAKE = 64,
	ACCEPTS_A_DRAIN = 65536,	/* a limit, if clients keep coming */
	FULL_US = 50 * 1000,		/* see report_full_later() */
};

static bool
is_held_back(const struct acceptor *a)
{
	return a->paused || (a->limit && a->open >= a->limit);
}

static void
watch_listeners(struct acceptor *a)
{
	uint32_t events = EPOLLIN | (a->exclusive ? EPOLLEXCLUSIVE : 0);

	for (int i = 0; i < a->count; i++) {
		struct listener *one = &a->at[i];

		if (is_held_back(a) || backoff_rests(&one->backoff))
			loop_del(a->loop, &one->source);
		else
			loop_watch(a->loop, &one->source, events);
	}
}

/* Full ends only when a tenth of the limit is free, so that it is rare. */
static bool
is_full(const struct acceptor *a)
{
	return a->limit && a->open >= (a->full ?
	    a->limit - a->limit / 10 : a->limit);
}

static void
on_fullness(struct timer *t)
{
	struct acceptor *a = container_of(t, struct acceptor, fullness);

	a->full = !a->full;
	a->on_full(a, a->full);
}

/*
 * A change is reported after it has lasted for FULL_US, because short
 * connections could change it thousands of times a second, and each report
 * wakes all members.
 */
static void
report_full_later(struct acceptor *a)
{
	if (!a->on_full)
		return;
	if (is_full(a) == a->full)
		loop_timer_cancel(a->loop, &a->fullness);
	else if (!a->fullness.at)
		loop_timer_set(a->loop, &a->fullness, loop_now() + FULL_US);
}

static void
on_listener_rested(struct backoff *b)
{
	struct listener *l = container_of(b, struct listener, backoff);

	watch_listeners(l->acceptor);
}

/* accept(2) has failed: 0: call it again; -1: not now. */
static int
accept_failed(struct acceptor *a, struct listener *l)
{
	enum backoff_step step = backoff_failed(&l->backoff, a->loop);

	if (step == BACKOFF_NEXT)
		return 0;
	if (step == BACKOFF_EMPTY)
		return -1;
	fail("accept");
	watch_listeners(a);
	if (a->on_exhausted && backoff_is_due(&a->reported))
		a->on_exhausted(a);
	return -1;
}

/* Accepts one connection: 0; -1: none is queued, or accept(2) is to rest. */
static int
accept_one(struct acceptor *a, struct listener *l)
{
	int fd = a->adopted ? adopt_accept(l->source.fd) :
	    accept4(l->source.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return accept_failed(a, l);
	backoff_worked(&l->backoff);
	if (a->adopted)
		sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (a->congestion)
		congestion_settle(a->congestion, fd);
	if (a->gated)
		listener_gate(fd, 0);
	sockopts_set_accepted(a->sockopts, fd);
	a->open++;
	report_full_later(a);
	a->on_accept(a, fd);
	return 0;
}

static void
on_listener(struct source *s, uint32_t events)
{
	struct listener *l = container_of(s, struct listener, source);
	struct acceptor *a = l->acceptor;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_WAKE && a->count; i++) {
		if (is_held_back(a)) {
			watch_listeners(a);
			return;
		}
		if (accept_one(a, l) < 0)
			return;
	}
}

int
acceptor_open(struct acceptor *a, struct loop *l, const struct sock_set *set)
{
	a->loop = l;
	a->adopted = set->adopted;
	a->fullness.on_timer = on_fullness;
	for (int i = 0; i < set->count; i++) {
		struct listener *one = &a->at[a->count++];

		/* options of adopted sockets belong to the other process */
		if (a->congestion && !a->adopted)
			congestion_prepare(a->congestion, set->fd[i], NULL);
		one->acceptor = a;
		one->backoff.on_end = on_listener_rested;
		one->source = (struct source){
			.fd = set->fd[i], .on_event = on_listener,
		};
		if (loop_watch(l, &one->source, EPOLLIN |
		    (a->exclusive ? EPOLLEXCLUSIVE : 0)) < 0)
			return -1;
	}
	return 0;
}

void
acceptor_pause(struct acceptor *a)
{
	a->paused = true;
	watch_listeners(a);
}

void
acceptor_resume(struct acceptor *a)
{
	a->paused = false;
	watch_listeners(a);
}

void
acceptor_freed(struct acceptor *a)
{
	a->open--;
	report_full_later(a);
	for (int i = 0; i < a->count; i++)
		if (!a->at[i].source.watched) {
			backoff_cancel(&a->at[i].backoff, a->loop);
			watch_listeners(a);
		}
}

void
acceptor_drain(struct acceptor *a)
{
	for (int i = 0; i < a->count; i++)
		for (int n = 0; n < ACCEPTS_A_DRAIN && i < a->count; n++)
			if (accept_one(a, &a->at[i]) < 0)
				break;
}

void
acceptor_close(struct acceptor *a)
{
	loop_timer_cancel(a->loop, &a->fullness);
	for (int i = 0; i < a->count; i++) {
		backoff_cancel(&a->at[i].backoff, a->loop);
		loop_del(a->loop, &a->at[i].source);
		close(a->at[i].source.fd);
	}
	a->count = 0;
}

void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}
