/*
 * Takes the listening sockets of another process (pidfd_getfd(2)). How it
 * works: adopt_visit() copies each socket descriptor of the process.
 * server_socket_of() tells what kind of socket it is; the filter says whether
 * it is wanted. A wanted socket stays in the set, and its descriptor belongs to
 * the caller; any other copy is closed, and its address goes into the list for
 * the error message. At the end the sockets must be one place: one port, or one
 * name.
 */
#include "kernel/adopt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/fd_order.h"
#include "kernel/adopt_epoll.h"
#include "kernel/adopt_error.h"
#include "kernel/proc_fd.h"
#include "kernel/sock_owner.h"

enum {
	PATIENCE_US = 2000,	/* longest wait in accept(2) */
	LISTED = 600,		/* bytes of a list of sockets */
};

/* The search through the sockets of a process. */
struct search {
	const struct adopt_filter *filter;
	struct sock_set *out;
	bool too_many;
	char others[LISTED];	/* other sockets of the process */
};

/* A socket that a server can serve on; type 0: it is not one. */
struct server_socket {
	int type;
	struct addr bound;
};

static bool
is_connected(int fd)
{
	struct addr peer;

	peer.len = sizeof(peer.un);
	return getpeername(fd, &peer.sa, &peer.len) == 0;
}

static struct server_socket
server_socket_of(int fd)
{
	struct server_socket s = {
		.type = sock_get_int(fd, SOL_SOCKET, SO_TYPE, -1),
	};
	struct addr *a = &s.bound;
	int family;

	if (sock_name(fd, a) < 0)
		return (struct server_socket){ 0 };
	family = a->sa.sa_family;
	if (family == AF_UNIX ? a->len <= sizeof(sa_family_t) :
	    (family != AF_INET && family != AF_INET6) || !addr_port(a))
		s.type = 0;
	if (s.type == SOCK_STREAM && sock_get_int(fd, SOL_SOCKET,
	    SO_ACCEPTCONN, 0) != 1)
		s.type = 0;
	if (s.type == SOCK_DGRAM && is_connected(fd))
		s.type = 0;
	if (s.type != SOCK_STREAM && s.type != SOCK_DGRAM)
		s.type = 0;
	return s;
}

static bool
is_at_address(const struct addr *a, const struct addr_list *list)
{
	for (int i = 0; list && i < list->count; i++) {
		struct addr one = list->at[i];

		if (one.sa.sa_family != AF_UNIX)
			addr_set_port(&one, addr_port(a));
		if (addr_equal(&one, a))
			return true;
	}
	return !list;
}

static bool
matches_filter(const struct server_socket *s, const struct adopt_filter *w)
{
	int family = s->bound.sa.sa_family;

	if ((s->type == SOCK_DGRAM) != w->datagram ||
	    (family == AF_UNIX) != (w->family == AF_UNIX))
		return false;
	if (family != AF_UNIX && w->family && family != w->family)
		return false;
	if (family != AF_UNIX && w->port && addr_port(&s->bound) != w->port)
		return false;
	return is_at_address(&s->bound, w->at);
}

/* "127.0.0.1:9000, 0.0.0.0:53 (datagram), unix:/run/x, ..." */
static void
list_socket(char list[static LISTED], const struct server_socket *s)
{
	size_t used = strlen(list);
	char text[ADDR_TEXT];

	if (used + ADDR_TEXT + 16 > LISTED) {
		/* one "..." is enough */
		if (list[used - 1] != '.')
			snprintf(list + used, LISTED - used, ", ...");
		return;
	}
	snprintf(list + used, LISTED - used, "%s%s%s", used ? ", " : "",
	    addr_text(&s->bound, text),
	    s->type == SOCK_DGRAM ? " (datagram)" : "");
}

static bool
is_taken(const struct sock_set *set, uint64_t inode)
{
	for (int i = 0; i < set->count; i++)
		if (sock_inode(set->fd[i]) == inode)
			return true;
	return false;
}

/* Keeps fd, or closes it. */
static void
adopt_take(struct search *s, int fd)
{
	struct server_socket one = server_socket_of(fd);
	struct sock_set *out = s->out;

	if (!one.type) {
		close(fd);
	} else if (!matches_filter(&one, s->filter)) {
		list_socket(s->others, &one);
		close(fd);
	} else if (out->count == ADDR_MAX) {
		s->too_many = true;
		close(fd);
	} else {
		out->fd[out->count] = fd_move_up(fd, FD_LISTENER);
		out->bound[out->count++] = one.bound;
	}
}

/* Looks at all sockets of the process; -1: ptrace(2)'s rule forbids it. */
static int
adopt_visit(struct search *s, pid_t pid, int process)
{
	uint64_t inode;
	int fd, own = 0;
	DIR *dir;

	/*
	 * the kernel checks the rule first, then the descriptor: EBADF is
	 * success
	 */
	if (syscall(SYS_pidfd_getfd, process, -1, 0) < 0 && errno != EBADF)
		return -1;
	dir = proc_fd_open(pid);
	if (!dir)
		return -1;
	while (own >= 0 && (fd = proc_fd_next(dir, &inode)) >= 0) {
		if (is_taken(s->out, inode))
			continue;
		own = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
		if (own >= 0)
			adopt_take(s, own);
		else if (errno == EBADF)
			own = 0;	/* it was closed just now */
	}
	closedir(dir);
	return own < 0 ? -1 : 0;
}

static const char *
kind_name(const struct adopt_filter *w)
{
	if (w->family == AF_UNIX)
		return w->datagram ? "Unix datagram" : "Unix";
	return w->datagram ? "UDP" : "TCP";
}

static int
found_none(const struct search *s, pid_t pid)
{
	char who[ADOPT_WHO], port[32] = "";

	if (s->filter->port)
		snprintf(port, sizeof(port), " with port %u", s->filter->port);
	return fail_as(STATUS_BIND, "%s has no %s%s socket%s%s%s%s",
	    adopt_who(pid, who), s->filter->datagram ? "" : "listening ",
	    kind_name(s->filter), port, s->filter->at ? " at this address" : "",
	    *s->others ? "; it has " : "", s->others);
}

static int
found_many(const struct search *s, pid_t pid)
{
	char who[ADOPT_WHO], list[LISTED] = "";

	for (int i = 0; i < s->out->count; i++) {
		struct server_socket one = { .bound = s->out->bound[i] };

		list_socket(list, &one);
	}
	return fail_as(STATUS_USAGE, "%s listens in several places: say "
	    "which of %s", adopt_who(pid, who), list);
}

/* Whether all sockets have one port, so that one server can serve them. */
static bool
is_one_place(const struct sock_set *set)
{
	for (int i = 1; i < set->count; i++)
		if (set->bound[i].sa.sa_family == AF_UNIX ||
		    addr_port(&set->bound[i]) != addr_port(&set->bound[0]))
			return false;
	return true;
}

static int
adopt_judge(const struct search *s, pid_t pid)
{
	char who[ADOPT_WHO];

	if (!s->out->count)
		return found_none(s, pid);
	if (!is_one_place(s->out))
		return found_many(s, pid);
	if (s->too_many)
		return fail_as(STATUS_USAGE, "%s has over %d such sockets: "
		    "say an address, too", adopt_who(pid, who), ADDR_MAX);
	return 0;
}

/* Does nothing: the signal itself interrupts accept(2). */
static void
on_alarm(int number)
{
	(void)number;
}

static void
alarm_prepare(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	sigset_t set;

	sigaction(SIGALRM, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int
adopt_sockets(pid_t pid, const struct adopt_filter *filter,
    struct sock_set *out)
{
	struct search s = { .filter = filter, .out = out };
	int process, result;

	*out = (struct sock_set){ .adopted = pid };
	process = adopt_process(pid);
	if (process < 0)
		return -1;
	result = adopt_visit(&s, pid, process) < 0 ? adopt_refused(pid) : 0;
	close(process);
	if (result == 0) {
		adopt_keep_watched(pid, out);
		result = adopt_judge(&s, pid);
	}
	if (result < 0)
		sock_set_close(out);
	alarm_prepare();
	return result;
}

int
adopt_accept(int fd)
{
	static const struct itimerval none, some = {
		{ .tv_usec = PATIENCE_US }, { .tv_usec = PATIENCE_US },
	};
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int client, saved;

	if (poll(&p, 1, 0) <= 0) {
		errno = EAGAIN;
		return -1;
	}
	/*
	 * it repeats, because the first signal may come before accept(2) blocks
	 */
	setitimer(ITIMER_REAL, &some, NULL);
	client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	saved = errno;
	setitimer(ITIMER_REAL, &none, NULL);
	errno = client < 0 && saved == EINTR ? EAGAIN : saved;
	return client;
}

pid_t
adopt_holder(const struct sock_set *set)
{
	struct owners *owners = owners_new();
	pid_t holder = 0, pids[2];

	for (int i = 0; owners && i < set->count && !holder; i++) {
		int n = owners_holders(owners, sock_inode(set->fd[i]), pids, 2);

		for (int j = 0; j < n && j < 2; j++)
			if (pids[j] != getpid())
				holder = pids[j];
	}
	owners_free(owners);
	return holder;
}
