/*
 * Connections that stay: all are opened, and have a message echoed, which is
 * told by a line; after a line of input, or its end, each sends a message and,
 * in load_echo(), when all of it is back the next one.
 *
 * How it works: the processes (-j) share memory with how far each is. None
 * sends before all have opened theirs, and the first one adds up.
 */
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "math/hist.h"

enum { AT_ONCE = 256, BATCH = 256, PATIENCE = 60 };

struct client {
	int fd;
	size_t got;
	uint64_t sent_at;
};

struct job {
	_Atomic unsigned opened;	/* all of its connections work */
	_Atomic unsigned go;		/* of the first: so may the others */
	uint64_t done, failed;
	struct hist hist;
};

struct crowd {
	int epfd;
	unsigned n, open;
	struct client *clients;
	struct job *job;
};

static char inbox[CHUNK];

static void
say_message(const struct args *a, struct client *c)
{
	c->got = 0;
	c->sent_at = now_ns();
	if (send(c->fd, chunk, a->size, MSG_DONTWAIT) != (ssize_t)a->size)
		die("send");
}

/* True once all of the message is back. */
static bool
hear(const struct args *a, struct crowd *w, struct client *c)
{
	ssize_t n = recv(c->fd, inbox, a->size - c->got, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0 || memcmp(inbox, chunk, (size_t)n) != 0) {
		w->job->failed++;
		epoll_ctl(w->epfd, EPOLL_CTL_DEL, c->fd, NULL);
		return false;
	}
	c->got += (size_t)n;
	if (c->got < a->size)
		return false;
	w->job->done++;
	hist_add(&w->job->hist, now_ns() - c->sent_at);
	return true;
}

static void
dial(const struct args *a, struct crowd *w, struct client *c, unsigned i)
{
	struct epoll_event e = { .events = EPOLLOUT, .data.ptr = c };

	c->fd = source_socket(a, i, SOCK_NONBLOCK);
	if (connect(c->fd, (const struct sockaddr *)&a->addr, a->len) < 0 &&
	    errno != EINPROGRESS)
		die("connect");
	if (epoll_ctl(w->epfd, EPOLL_CTL_ADD, c->fd, &e) < 0)
		die("epoll_ctl");
}

static void
connected(struct crowd *w, struct client *c)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	int error = 0;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error,
	    &(socklen_t){ sizeof(error) });
	errno = error;
	if (error || epoll_ctl(w->epfd, EPOLL_CTL_MOD, c->fd, &e) < 0)
		die("connect");
	w->open++;
}

/* Opens all, AT_ONCE at a time. */
static void
open_all(const struct args *a, struct crowd *w, unsigned first)
{
	struct epoll_event batch[BATCH];
	unsigned dialled = 0;

	while (w->open < w->n) {
		int n;

		for (; dialled < w->n && dialled - w->open < AT_ONCE; dialled++)
			dial(a, w, &w->clients[dialled], first + dialled);
		n = epoll_wait(w->epfd, batch, BATCH, PATIENCE * 1000);
		if (n <= 0)
			die("still connecting");
		for (int i = 0; i < n; i++)
			connected(w, batch[i].data.ptr);
	}
}

/* A round of answers, each followed by the next message if there is to be. */
static void
turn(const struct args *a, struct crowd *w, bool again, int wait)
{
	struct epoll_event batch[BATCH];
	int n = epoll_wait(w->epfd, batch, BATCH, wait);

	for (int i = 0; i < n; i++)
		if (hear(a, w, batch[i].data.ptr) && again)
			say_message(a, batch[i].data.ptr);
}

static void
await(_Atomic unsigned *flag)
{
	while (!*flag)
		poll(NULL, 0, 1);
}

static struct crowd
crowd_open(const struct args *a, struct job *jobs, unsigned j)
{
	unsigned first = (unsigned)((uint64_t)a->conns * j / a->jobs);
	unsigned next = (unsigned)((uint64_t)a->conns * (j + 1) / a->jobs);
	struct crowd w = { .n = next - first, .job = &jobs[j] };

	w.epfd = epoll_create1(0);
	w.clients = calloc(w.n, sizeof(*w.clients));
	if (w.epfd < 0 || !w.clients)
		die("start");
	open_all(a, &w, first);
	return w;
}

static void
netcat(const struct args *a, struct crowd *w)
{
	uint64_t end = now_ns() + (uint64_t)(a->seconds * 1e9);

	for (unsigned i = 0; i < w->n; i++)
		say_message(a, &w->clients[i]);
	while (now_ns() < end)
		turn(a, w, true, 10);
}

/* One message on each, and all of them back. */
static void
greet(const struct args *a, struct crowd *w)
{
	uint64_t end = now_ns() + PATIENCE * UINT64_C(1000000000);

	for (unsigned i = 0; i < w->n; i++)
		say_message(a, &w->clients[i]);
	while (w->job->done + w->job->failed < w->n && now_ns() < end)
		turn(a, w, false, 1000);
}

static struct job *
jobs_new(const struct args *a)
{
	void *p = mmap(NULL, a->jobs * sizeof(struct job),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* One process each; the first is this one. Returns which it is. */
static unsigned
split(const struct args *a)
{
	for (unsigned j = 1; j < a->jobs; j++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0)
			return j;
	}
	return 0;
}

static int
summed(const struct args *a, struct job *jobs, double opening, double began)
{
	struct hist *h = &jobs[0].hist;
	int bad = 0, status;
	double seconds;

	while (wait(&status) > 0)
		bad |= status;
	seconds = now() - began;
	for (unsigned j = 1; j < a->jobs; j++) {
		hist_merge(h, &jobs[j].hist);
		jobs[0].done += jobs[j].done;
		jobs[0].failed += jobs[j].failed;
	}
	printf("{\"requests\":%llu,\"failed\":%llu,\"opening\":%.6f,"
	    "\"seconds\":%.6f,\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f}\n",
	    (unsigned long long)jobs[0].done, (unsigned long long)jobs[0].failed,
	    opening, seconds, (double)hist_percentile(h, 50) / 1e3,
	    (double)hist_percentile(h, 99) / 1e3, (double)h->max / 1e3);
	return bad || fflush(stdout) ? 1 : 0;
}

/*
 * All are opened and have sent and got a message, so that those that a server
 * forks or allocates for are there; what is counted begins after that.
 */
static void
settle(const struct args *a, struct crowd *w)
{
	greet(a, w);
	if (w->job->failed || w->job->done < w->n)
		die("no echo at first");
	w->job->done = 0;
	hist_init(&w->job->hist);
	w->job->opened = 1;
}

static int
run(const struct args *a, void (*use)(const struct args *a, struct crowd *w))
{
	struct job *jobs = jobs_new(a);
	double began = now(), opening;
	unsigned mine = split(a);
	struct crowd w = crowd_open(a, jobs, mine);

	settle(a, &w);
	if (mine) {
		await(&jobs[0].go);
		use(a, &w);
		_exit(0);
	}
	for (unsigned j = 1; j < a->jobs; j++)
		await(&jobs[j].opened);
	opening = now() - began;
	printf("open\n");
	fflush(stdout);
	getchar();
	began = now();
	jobs[0].go = 1;
	use(a, &w);
	free(w.clients);
	return summed(a, jobs, opening, began);
}

int
load_echo(const struct args *a)
{
	return run(a, netcat);
}

int
load_hold(const struct args *a)
{
	return run(a, greet);
}
