/*
 * Looks up a name, without blocking: a child process for each family.
 *
 *	a query's state		ends when
 *	asking, fd >= 0		its pipe has brought the answer, or its end
 *	over, fd -1		-; its child has been reaped
 *
 * The look-up owns children and pipes; lookup_end() kills the children that are
 * left. If A came first, the answer waits RESOLUTION_DELAY_US for AAAA.
 */
#include "net/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/loop.h"
#include "base/standard_fds.h"

enum {
	RESOLUTION_DELAY_US = 50 * 1000,	/* RFC 8305 section 8 */
	LATE_US = 1000 * 1000,
	PIECE = 16 * 1024,
};

/* The head of the child's answer; addresses follow. */
struct answer {
	int code, error;
};

static void
write_all(int fd, const void *data, size_t length)
{
	const char *at = data;

	while (length) {
		ssize_t n = write(fd, at, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		at += n;
		length -= (size_t)n;
	}
}

static void
lookup_answer(const struct endpoint *e, int family, int flags, int fd)
{
	struct addr_list found = { 0 };
	struct answer a = { 0 };

	a.code = addr_ask(e, family, flags, &found);
	a.error = errno;
	write_all(fd, &a, sizeof(a));
	write_all(fd, found.at, (size_t)found.count * sizeof(*found.at));
}

/* The child closes the descriptors it inherited, and dies with its parent. */
static void
lookup_child(const struct lookup *l, int family, int flags, int fd,
    pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	if (getppid() != parent)
		_exit(1);
	if (dup2(fd, STDIN_FILENO) < 0)
		_exit(1);
	fds_close_from(STDIN_FILENO + 1, false);
	lookup_answer(l->endpoint, family, flags, STDIN_FILENO);
	_exit(0);
}

static int
query_start(struct lookup *l, struct lookup_query *q, int flags)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail("pipe");
	q->pid = fork();
	if (q->pid == 0)
		lookup_child(l, q->family, flags, ends[1], parent);
	close(ends[1]);
	if (q->pid < 0) {
		close(ends[0]);
		return fail("fork");
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	q->fd = ends[0];
	return 0;
}

int
lookup_start(struct lookup *l, const struct endpoint *e, int flags)
{
	static const int families[] = { AF_INET6, AF_INET };

	*l = (struct lookup){ .endpoint = e };
	for (int i = 0; i < LOOKUP_QUERIES; i++)
		l->query[i] = (struct lookup_query){
			.family = families[i], .fd = -1,
		};
	for (int i = 0; i < LOOKUP_QUERIES; i++)
		if ((e->family == AF_UNSPEC || e->family == families[i]) &&
		    query_start(l, &l->query[i], flags) < 0) {
			lookup_end(l);
			return -1;
		}
	return 0;
}

int
lookup_poll(const struct lookup *l, struct pollfd out[LOOKUP_QUERIES])
{
	int count = 0;

	for (int i = 0; i < LOOKUP_QUERIES; i++)
		if (l->query[i].fd >= 0)
			out[count++] = (struct pollfd){
				.fd = l->query[i].fd, .events = POLLIN,
			};
	return count;
}

static void
query_end(struct lookup_query *q)
{
	if (q->fd < 0)
		return;
	close(q->fd);
	q->fd = -1;
	kill(q->pid, SIGKILL);
	waitpid(q->pid, NULL, 0);
	free(q->data);
	q->data = NULL;
}

/* Reads without waiting. Returns 1 at the end, 0 if more may come, or -1. */
static int
query_read(struct lookup_query *q)
{
	for (;;) {
		char *data = realloc(q->data, q->length + PIECE);
		ssize_t n;

		if (!data)
			return fail("look-up");
		q->data = data;
		n = read(q->fd, data + q->length, PIECE);
		if (n < 0 && errno != EINTR)
			return 0;
		if (n == 0)
			return 1;
		q->length += n > 0 ? (size_t)n : 0;
	}
}

/* Keeps the reason, unless it only says that a family has no address. */
static void
lookup_keep_reason(struct lookup *l, const struct answer *a)
{
	if (!a->code || (l->code && (a->code == EAI_NODATA ||
	    a->code == EAI_ADDRFAMILY)))
		return;
	l->code = a->code;
	l->error = a->error;
}

/* The whole answer is here. */
static int
query_take(struct lookup *l, struct lookup_query *q, struct addr_list *list)
{
	struct answer a = { .code = EAI_AGAIN };
	int result = 0;

	if (q->length >= sizeof(a))
		memcpy(&a, q->data, sizeof(a));
	lookup_keep_reason(l, &a);
	for (size_t at = sizeof(a); at + sizeof(struct addr) <= q->length &&
	    result == 0; at += sizeof(struct addr)) {
		struct addr one;

		memcpy(&one, q->data + at, sizeof(one));
		result = addr_list_add(list, &one);
	}
	if (!a.code && !l->first)
		l->first = loop_now();
	if (!a.code && q->family == AF_INET)
		l->hold = loop_now() + RESOLUTION_DELAY_US;
	query_end(q);
	return result;
}

int64_t
lookup_limit(const struct lookup *l)
{
	return l->first ? l->first + LATE_US : INT64_MAX;
}

int
lookup_take(struct lookup *l, struct addr_list *list)
{
	for (int i = 0; i < LOOKUP_QUERIES; i++) {
		struct lookup_query *q = &l->query[i];
		int over = q->fd < 0 ? 0 : query_read(q);

		if (over < 0 || (over && query_take(l, q, list) < 0))
			return -1;
	}
	if (loop_now() >= lookup_limit(l))
		lookup_end(l);
	return 0;
}

bool
lookup_is_ready(const struct lookup *l, const struct addr_list *list,
    int64_t *when)
{
	struct pollfd rest[LOOKUP_QUERIES];

	*when = list->count && l->hold ? l->hold : INT64_MAX;
	if (!lookup_poll(l, rest))
		return true;
	/* an IPv6 address need not wait for the others */
	return list->count && (!l->hold || loop_now() >= l->hold);
}

int
lookup_fail(const struct lookup *l)
{
	struct pollfd rest[LOOKUP_QUERIES];
	const char *host = l->endpoint->host;

	if (lookup_poll(l, rest))
		return fail_as(STATUS_TIMEOUT, "%.200s: the name server did "
		    "not answer in time", host);
	return fail_as(STATUS_RESOLVE, "%.200s: %s", host,
	    l->code == EAI_SYSTEM ? strerror(l->error) :
	    gai_strerror(l->code));
}

void
lookup_end(struct lookup *l)
{
	for (int i = 0; i < LOOKUP_QUERIES; i++)
		query_end(&l->query[i]);
}
