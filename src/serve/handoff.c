#include "serve/handoff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fail.h"
#include "group/board.h"

/* Room for one descriptor, aligned as cmsg(3) wants it. */
union rights {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void
rights_message(struct msghdr *m, struct iovec *byte, union rights *r)
{
	static char one[1];

	*byte = (struct iovec){ .iov_base = one, .iov_len = 1 };
	memset(r, 0, sizeof(*r));
	*m = (struct msghdr){
		.msg_iov = byte, .msg_iovlen = 1, .msg_control = r->room,
		.msg_controllen = sizeof(r->room),
	};
}

static int
rights_send(int end, int fd)
{
	struct msghdr m;
	struct iovec byte;
	union rights r;
	struct cmsghdr *c;

	rights_message(&m, &byte, &r);
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(end, &m, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int
handoff_take(int end)
{
	struct msghdr m;
	struct iovec byte;
	union rights r;
	struct cmsghdr *c;
	int fd;

	rights_message(&m, &byte, &r);
	if (recvmsg(end, &m, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* How many connections a worker has, or is about to get. */
static uint64_t
load(struct handoff *h, int worker)
{
	const struct counters *c = h->counters(h, worker);

	return h->ends[worker].given - (c ? c->closed : 0);
}

/* Of those that have the fewest, the next one. */
static int
choose(struct handoff *h)
{
	int best = (h->last + 1) % h->count;
	uint64_t least = load(h, best);

	for (int i = 1; i < h->count; i++) {
		int w = (h->last + 1 + i) % h->count;
		uint64_t n = load(h, w);

		if (n < least) {
			least = n;
			best = w;
		}
	}
	return best;
}

/* 0: it is the worker's, or lost and told; -1: it has no room now. */
static int
give(struct handoff *h, int worker, int fd)
{
	if (rights_send(h->ends[worker].source.fd, fd) == 0) {
		h->ends[worker].given++;
		h->last = worker;
	} else if (errno == EAGAIN) {
		return -1;
	} else {
		fail("handoff to a worker");
		h->on_fault(h);
	}
	close(fd);
	acceptor_freed(&h->acceptor);
	return 0;
}

static void
on_accept(struct acceptor *a, int fd)
{
	struct handoff *h = (struct handoff *)a;
	int worker = choose(h);

	if (give(h, worker, fd) == 0)
		return;
	h->pending = fd;
	acceptor_pause(a);
	loop_watch(a->loop, &h->ends[worker].source, EPOLLOUT);
}

static void
on_room(struct source *s, uint32_t events)
{
	struct handoff_end *e = (struct handoff_end *)s;
	struct handoff *h = e->handoff;

	(void)events;
	if (h->pending >= 0 && give(h, (int)(e - h->ends), h->pending) < 0)
		return;
	h->pending = -1;
	loop_del(h->acceptor.loop, s);
	acceptor_resume(&h->acceptor);
}

static void
on_exhausted(struct acceptor *a)
{
	struct handoff *h = (struct handoff *)a;

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
			.source = { .fd = pair[0], .on_event = on_room },
			.handoff = h, .taker = pair[1],
		};
	}
	return 0;
}

int
handoff_start(struct handoff *h, struct loop *l, const struct sock_set *set)
{
	h->acceptor.on_accept = on_accept;
	h->acceptor.on_exhausted = on_exhausted;
	return acceptor_open(&h->acceptor, l, set);
}

void
handoff_died(struct handoff *h, int worker)
{
	const struct counters *c = h->counters(h, worker);

	if (c)
		h->ends[worker].given -= c->accepted - c->closed;
}

int
handoff_taker(struct handoff *h, int worker)
{
	int own = h->ends[worker].taker;

	for (int i = 0; i < h->count; i++) {
		close(h->ends[i].source.fd);
		if (i != worker)
			close(h->ends[i].taker);
	}
	return own;
}

void
handoff_close(struct handoff *h)
{
	if (h->acceptor.loop)
		acceptor_close(&h->acceptor);
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
