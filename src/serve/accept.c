#include "serve/accept.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fail.h"
#include "net/adopt.h"
#include "net/listener.h"

enum {
	ACCEPTS_A_WAKE = 64,
	RETRY_US = 100 * 1000,
	TELL_AGAIN_US = 60 * 1000 * 1000,
	FULL_US = 50 * 1000,
};

static bool
held_back(const struct acceptor *a)
{
	return a->paused || a->exhausted || (a->limit && a->open >= a->limit);
}

static void
watch_all(struct acceptor *a)
{
	uint32_t events = EPOLLIN | (a->exclusive ? EPOLLEXCLUSIVE : 0);

	for (int i = 0; i < a->count; i++)
		if (held_back(a))
			loop_del(a->loop, &a->at[i].source);
		else
			loop_watch(a->loop, &a->at[i].source, events);
}

/* A tenth of the limit must be free again, so as not to tell all the time. */
static bool
is_full(const struct acceptor *a)
{
	return a->limit && a->open >= (a->full ?
	    a->limit - a->limit / 10 : a->limit);
}

static void
on_fullness(struct timer *t)
{
	struct acceptor *a = (struct acceptor *)((char *)t -
	    offsetof(struct acceptor, fullness));

	a->full = !a->full;
	a->on_full(a, a->full);
}

/*
 * It is told when it has lasted for a moment: short connections could change
 * it thousands of times a second, and each time all members are woken.
 */
static void
note_full(struct acceptor *a)
{
	if (!a->on_full)
		return;
	if (is_full(a) == a->full)
		loop_timer_cancel(a->loop, &a->fullness);
	else if (!a->fullness.at)
		loop_timer_set(a->loop, &a->fullness, loop_now() + FULL_US);
}

/* Out of descriptors or memory: wait for some to come back. */
static void
exhausted(struct acceptor *a)
{
	int64_t now = loop_now();

	fail("accept");
	a->exhausted = true;
	watch_all(a);
	loop_timer_set(a->loop, &a->retry, now + RETRY_US);
	if (a->told && now - a->told < TELL_AGAIN_US)
		return;
	a->told = now;
	if (a->on_exhausted)
		a->on_exhausted(a);
}

static void
on_retry(struct timer *t)
{
	struct acceptor *a = (struct acceptor *)((char *)t -
	    offsetof(struct acceptor, retry));

	a->exhausted = false;
	watch_all(a);
}

static int
family_of(int fd)
{
	int family = AF_INET;
	socklen_t size = sizeof(family);

	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
	return family;
}

/* Accepts one: 0, or -1 when there is no more to be had now. */
static int
accept_one(struct acceptor *a, struct source *s)
{
	int fd = a->adopted ? adopt_accept(s->fd) :
	    accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		if (a->adopted)
			sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		if (a->congestion)
			congestion_settle(a->congestion, fd);
		if (a->gated)
			listener_gate(fd, family_of(fd), 0);
		a->open++;
		note_full(a);
		a->on_accept(a, fd);
		return 0;
	}
	switch (errno) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		exhausted(a);
		return -1;
	case EAGAIN:
	case EBADF:
	case EINVAL:
		return -1;
	default:		/* the client's error (accept(2)) */
		return 0;
	}
}

static void
on_listener(struct source *s, uint32_t events)
{
	struct acceptor *a = ((struct listener *)s)->acceptor;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_WAKE && a->count; i++) {
		if (held_back(a)) {
			watch_all(a);
			return;
		}
		if (accept_one(a, s) < 0)
			return;
	}
}

int
acceptor_open(struct acceptor *a, struct loop *l, const struct sock_set *set)
{
	a->loop = l;
	a->adopted = set->adopted;
	a->retry.on_timer = on_retry;
	a->fullness.on_timer = on_fullness;
	for (int i = 0; i < set->count; i++) {
		struct listener *one = &a->at[a->count++];

		/* what was adopted is its owner's */
		if (a->congestion && !a->adopted)
			congestion_prepare(a->congestion, set->fd[i], NULL);
		one->acceptor = a;
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
	watch_all(a);
}

void
acceptor_resume(struct acceptor *a)
{
	a->paused = false;
	watch_all(a);
}

void
acceptor_freed(struct acceptor *a)
{
	a->open--;
	note_full(a);
	if (a->exhausted) {
		loop_timer_cancel(a->loop, &a->retry);
		a->exhausted = false;
	}
	if (a->count && !a->at[0].source.watched)
		watch_all(a);
}

void
acceptor_drain(struct acceptor *a)
{
	for (int i = 0; i < a->count; i++)
		while (accept_one(a, &a->at[i].source) == 0)
			continue;
}

void
acceptor_close(struct acceptor *a)
{
	loop_timer_cancel(a->loop, &a->retry);
	loop_timer_cancel(a->loop, &a->fullness);
	for (int i = 0; i < a->count; i++) {
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
