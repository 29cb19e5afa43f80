/*
 * The parent accepts connections and passes them to workers. Between the parent
 * and each worker is a socket pair. The parent keeps both ends open, so that
 * connections in the pair outlive the worker. A message to a worker carries one
 * connection. A message from a worker is one byte, a notification: the state in
 * its registry slot has changed.
 *
 *	worker	what the parent does		what moves it on
 *	ready	gives it a connection, if it	full, blocked, dead
 *		has the fewest
 *	full	gives it none: without a free	a descriptor is free, and it
 *		descriptor number recvmsg(2)	notifies: ready
 *		drops it (MSG_CTRUNC)
 *	blocked	gives it none: the pair has no	EPOLLOUT: ready
 *		room
 *	dead	gives it none: no process	its next process notifies at
 *						its start: ready
 *
 * If a worker is full or dead, the parent takes the connections in its pair
 * back and gives them to a ready worker. If no worker is ready, one connection
 * is pending in the parent, which accepts no more: clients wait in the
 * listener's queue.
 *
 * If the parent is killed, a worker's pair is at its end of file. The worker
 * then stops reading it, and ends by the SIGTERM that worker.c has asked for.
 *
 * A connection is owned by the parent until sendmsg(2) succeeds, by the pair
 * until recvmsg(2), then by the worker.
 */
#include "serve/handoff.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "group/registry/registry.h"
#include "net/rights.h"

enum { TAKEN_AT_ONCE = 64 };

/* Whether a descriptor number is free: otherwise recvmsg(2) loses one. */
static bool
has_free_descriptor(int any)
{
	int copy = fcntl(any, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return false;
	close(copy);
	return true;
}

/* Like rights_receive(); a fault names the handoff. */
static int
connection_receive(int end)
{
	int fd = rights_receive(end);

	if (fd < 0 && errno == ENOMSG)
		fail_option("handoff:");
	return fd;
}

/* How many connections a worker has open, or in its pair. */
static uint64_t
worker_load(struct handoff *h, int worker)
{
	const struct slot *s = h->slot(h, worker);

	return h->ends[worker].given - (s ? s->counters.closed : 0);
}

/* Whether it is full or dead, so that others must take its connections. */
static bool
worker_is_away(struct handoff *h, int worker)
{
	const struct slot *s = h->slot(h, worker);

	return h->ends[worker].dead || (s && s->state == STATE_FULL);
}

/* The ready worker with the fewest connections, in turn if equal; -1: none. */
static int
worker_choose(struct handoff *h)
{
	int best = -1;
	uint64_t least = 0;

	for (int i = 0; i < h->count; i++) {
		int w = (h->last + 1 + i) % h->count;
		uint64_t n = worker_load(h, w);

		if (h->ends[w].blocked || worker_is_away(h, w) ||
		    (best >= 0 && n >= least))
			continue;
		least = n;
		best = w;
	}
	return best;
}

/* Gives fd to a worker: 0; -1: none is ready, and fd is still the caller's. */
static int
handoff_give(struct handoff *h, int fd)
{
	int worker;

	while (!backoff_rests(&h->backoff) &&
	    (worker = worker_choose(h)) >= 0) {
		struct handoff_end *e = &h->ends[worker];

		if (rights_send(e->source.fd, fd) == 0) {
			e->given++;
			h->last = worker;
			backoff_worked(&h->backoff);
			close(fd);
			acceptor_freed(&h->acceptor);
			return 0;
		}
		if (errno == EAGAIN) {
			e->blocked = true;
			loop_watch(h->acceptor.loop, &e->source, EPOLLIN |
			    EPOLLOUT);
			continue;
		}
		fail("handoff to a worker");
		backoff_rest(&h->backoff, h->acceptor.loop);
		if (backoff_is_due(&h->reported))
			h->on_fault(h);
	}
	return -1;
}

/* Gives connections of a full or dead worker to others; -1: none is ready. */
static int
handoff_reclaim(struct handoff *h, int worker)
{
	struct handoff_end *e = &h->ends[worker];

	while (worker_is_away(h, worker) && worker_choose(h) >= 0 &&
	    has_free_descriptor(e->taker)) {
		int fd = connection_receive(e->taker);

		if (fd < 0 && errno != ENOMSG)
			return 0;
		e->given--;
		if (fd < 0) {
			h->on_fault(h);
			continue;
		}
		h->acceptor.open++;
		if (handoff_give(h, fd) < 0) {
			h->pending = fd;
			return -1;
		}
	}
	return 0;
}

/* A worker's state has changed: gives out what waits, then accepts again. */
static void
handoff_retry(struct handoff *h)
{
	if (h->pending >= 0 && handoff_give(h, h->pending) < 0)
		return;
	h->pending = -1;
	for (int i = 0; i < h->count; i++)
		if (handoff_reclaim(h, i) < 0)
			return;
	acceptor_resume(&h->acceptor);
}

static void
on_accept(struct acceptor *a, int fd)
{
	struct handoff *h = container_of(a, struct handoff, acceptor);

	if (handoff_give(h, fd) == 0)
		return;
	h->pending = fd;
	acceptor_pause(a);
}

/* Reads a worker's notifications; returns whether there were any. */
static bool
read_notifications(struct handoff_end *e)
{
	char byte;
	bool any = false;

	while (recv(e->source.fd, &byte, 1, 0) >= 0)
		any = true;
	return any;
}

static void
on_handoff_event(struct source *s, uint32_t events)
{
	struct handoff_end *e = container_of(s, struct handoff_end, source);

	if (read_notifications(e))
		e->dead = false;
	if (events & EPOLLOUT) {
		e->blocked = false;
		loop_watch(e->handoff->acceptor.loop, s, EPOLLIN);
	}
	handoff_retry(e->handoff);
}

static void
on_handoff_rested(struct backoff *b)
{
	handoff_retry(container_of(b, struct handoff, backoff));
}

static void
on_exhausted(struct acceptor *a)
{
	struct handoff *h = container_of(a, struct handoff, acceptor);

	h->on_fault(h);
}

int
handoff_open(struct handoff *h, int count)
{
	h->pending = -1;
	h->last = count - 1;
	h->ends = calloc((size_t)count, sizeof(*h->ends));
	if (!h->ends)
		return fail("handoff");
	for (; h->count < count; h->count++) {
		struct handoff_end *e = &h->ends[h->count];
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK |
		    SOCK_CLOEXEC, 0, pair) < 0)
			return fail("socketpair");
		*e = (struct handoff_end){
			.source = { .fd = pair[0],
			    .on_event = on_handoff_event },
			.handoff = h, .taker = pair[1],
		};
	}
	return 0;
}

int
handoff_start(struct handoff *h, struct loop *l, const struct sock_set *set)
{
	h->backoff.on_end = on_handoff_rested;
	h->acceptor.on_accept = on_accept;
	h->acceptor.on_exhausted = on_exhausted;
	for (int i = 0; i < h->count; i++)
		if (loop_watch(l, &h->ends[i].source, EPOLLIN) < 0)
			return -1;
	return acceptor_open(&h->acceptor, l, set);
}

void
handoff_died(struct handoff *h, int worker)
{
	struct handoff_end *e = &h->ends[worker];
	const struct slot *s = h->slot(h, worker);
	int waiting = 0;

	read_notifications(e);
	e->dead = true;
	/* each message has one byte, so FIONREAD counts connections */
	ioctl(e->taker, FIONREAD, &waiting);
	e->given = (s ? s->counters.closed : 0) + (uint64_t)waiting;
	handoff_retry(h);
}

void
handoff_close(struct handoff *h)
{
	if (h->acceptor.loop) {
		backoff_cancel(&h->backoff, h->acceptor.loop);
		acceptor_close(&h->acceptor);
	}
	if (h->pending >= 0)
		close(h->pending);
	for (int i = 0; i < h->count; i++) {
		if (h->acceptor.loop)
			loop_del(h->acceptor.loop, &h->ends[i].source);
		close(h->ends[i].source.fd);
		close(h->ends[i].taker);
	}
	free(h->ends);
	*h = (struct handoff){ .pending = -1 };
}

/* If the socket has no room, the parent has yet to read an earlier byte. */
static void
taker_notify(const struct taker *t)
{
	static const char byte = 1;

	(void)!send(t->source.fd, &byte, 1, MSG_NOSIGNAL);
}

static void
taker_set_full(struct taker *t, bool full)
{
	t->full = full;
	t->on_full(t, full);
	taker_notify(t);
}

static void
taker_rest(struct taker *t)
{
	fail("handoff");
	loop_del(t->loop, &t->source);
	backoff_rest(&t->backoff, t->loop);
	if (!t->full)
		taker_set_full(t, true);
}

/* Takes one connection, if there is one; returns whether more may come. */
static bool
taker_take(struct taker *t)
{
	int fd = connection_receive(t->source.fd);

	if (fd >= 0) {
		t->on_take(t, fd);
		return true;
	}
	if (errno == ENOMSG) {
		t->on_lost(t);
		return true;
	}
	/* the parent has died, so SIGTERM ends this worker: worker.c */
	if (errno == EPIPE)
		loop_del(t->loop, &t->source);
	if (errno == EPIPE || errno == EAGAIN || errno == EINTR)
		backoff_worked(&t->backoff);
	else
		taker_rest(t);
	return false;
}

/* Takes a limited number, so that signals and clients have their turn. */
static void
on_message(struct source *s, uint32_t events)
{
	struct taker *t = container_of(s, struct taker, source);

	(void)events;
	for (int i = 0; i < TAKEN_AT_ONCE; i++) {
		if (!has_free_descriptor(s->fd)) {
			taker_rest(t);
			return;
		}
		if (!taker_take(t))
			return;
	}
}

static void
on_taker_rested(struct backoff *b)
{
	struct taker *t = container_of(b, struct taker, backoff);

	if (!has_free_descriptor(t->source.fd)) {
		backoff_rest(b, t->loop);
		return;
	}
	if (t->full)
		taker_set_full(t, false);
	loop_watch(t->loop, &t->source, EPOLLIN);
}

int
taker_open(struct taker *t, struct loop *l, struct handoff *h, int worker)
{
	for (int i = 0; i < h->count; i++) {
		close(h->ends[i].source.fd);
		if (i != worker)
			close(h->ends[i].taker);
	}
	if (h->pending >= 0)
		close(h->pending);
	t->loop = l;
	t->backoff.on_end = on_taker_rested;
	t->source = (struct source){
		.fd = h->ends[worker].taker, .on_event = on_message,
	};
	taker_notify(t);
	return loop_watch(l, &t->source, EPOLLIN);
}

/* By a timer, because the caller closes the descriptor after this call. */
void
taker_freed(struct taker *t)
{
	if (t->full)
		loop_timer_set(t->loop, &t->backoff.timer, loop_now());
}

void
taker_close(struct taker *t)
{
	if (!t->loop)
		return;
	backoff_cancel(&t->backoff, t->loop);
	loop_del(t->loop, &t->source);
	close(t->source.fd);
	t->loop = NULL;
}
