/*
 * Connect, send a message, read the answer, close: -c of them at any time, for
 * so long. A message is echoed, or with -g it is an HTTP request, and an answer
 * that ends with "~" is all of it.
 *
 * On loopback a connection is as a rule there when connect() returns, though it
 * says EINPROGRESS: so the message is sent at once.
 */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "math/hist.h"

enum { BATCH = 256 };

struct visit {
	int fd;
	bool asked;
	size_t got;
	uint64_t began;
};

struct visits {
	const struct args *args;
	int epfd;
	unsigned started;
	uint64_t done, failed;
	const char *text;
	size_t size;
	struct hist hist;
};

static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
static struct visits all;

static bool
ask(struct visit *v)
{
	ssize_t n = send(v->fd, all.text, all.size, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
		return true;
	v->asked = n == (ssize_t)all.size;
	return v->asked;
}

static void start(struct visit *v);

static void
ended(struct visit *v, bool well)
{
	if (well)
		hist_add(&all.hist, now_ns() - v->began);
	all.done += well;
	all.failed += !well;
	close(v->fd);
}

static void
start(struct visit *v)
{
	const struct args *a = all.args;
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = v };

	*v = (struct visit){ .began = now_ns() };
	v->fd = source_socket(a, all.started++, SOCK_NONBLOCK);
	if (connect(v->fd, (const struct sockaddr *)&a->addr, a->len) < 0 &&
	    errno != EINPROGRESS)
		die("connect");
	if (!ask(v))
		die("send");
	if (!v->asked)
		e.events |= EPOLLOUT;
	if (epoll_ctl(all.epfd, EPOLL_CTL_ADD, v->fd, &e) < 0)
		die("epoll_ctl");
}

/* 1: all is there, 0: not yet, -1: it will not be. */
static int
hear(struct visit *v)
{
	static char inbox[CHUNK];
	ssize_t n = recv(v->fd, inbox, sizeof(inbox), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	v->got += (size_t)n;
	if (all.args->web)
		return inbox[n - 1] == '~';
	return v->got == all.size ? 1 : v->got < all.size ? 0 : -1;
}

static void
event(struct visit *v, uint32_t events)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = v };
	int state;

	if (!v->asked) {
		state = ask(v) ? 0 : -1;
		if (v->asked)
			epoll_ctl(all.epfd, EPOLL_CTL_MOD, v->fd, &e);
	} else {
		state = events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? hear(v) : 0;
	}
	if (!state)
		return;
	ended(v, state > 0);
	start(v);
}

int
load_connect(const struct args *a)
{
	struct visit *visits = calloc(a->conns, sizeof(*visits));
	struct epoll_event batch[BATCH];
	double began = now(), seconds;
	uint64_t end = now_ns() + (uint64_t)(a->seconds * 1e9);

	all.args = a;
	all.text = a->web ? request : chunk;
	all.size = a->web ? sizeof(request) - 1 : a->size;
	all.epfd = epoll_create1(0);
	if (all.epfd < 0 || !visits)
		die("start");
	for (unsigned i = 0; i < a->conns; i++)
		start(&visits[i]);
	while (now_ns() < end) {
		int n = epoll_wait(all.epfd, batch, BATCH, 10);

		for (int i = 0; i < n; i++)
			event(batch[i].data.ptr, batch[i].events);
	}
	seconds = now() - began;
	free(visits);
	printf("{\"requests\":%llu,\"failed\":%llu,\"seconds\":%.6f,"
	    "\"p50\":%.2f,\"p99\":%.2f}\n", (unsigned long long)all.done,
	    (unsigned long long)all.failed, seconds,
	    (double)hist_percentile(&all.hist, 50) / 1e3,
	    (double)hist_percentile(&all.hist, 99) / 1e3);
	return fflush(stdout) ? 1 : 0;
}
