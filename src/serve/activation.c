/*
 * Sockets from a service manager. The manager keeps its own descriptors of
 * them, so that clients can queue while no server runs.
 *
 *	state		who owns them		what moves it on
 *	passed		the manager, and we	activation_take()
 *	taken		the same; our numbers	activation_open(): served, or
 *			are high, close-on-exec	closed if they don't fit
 *	served		the same		we stop: our copy closes
 *
 * At the end the queue is the manager's business: nothing is steered away. Only
 * if no other process can have the sockets (systemd-socket-activate(1) becomes
 * the server it starts) rpnc leaves as with sockets of its own.
 *
 * The manager shares what taking them changes: they don't block, and accepted
 * connections have TCP_NODELAY; datagrams come with IP_PKTINFO.
 */
#include "serve/activation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/fd_order.h"
#include "base/num.h"
#include "group/registry/registry.h"
#include "kernel/adopt.h"
#include "kernel/adopt_error.h"
#include "net/resolve.h"
#include "net/udp_options.h"

enum { FIRST_FD = 3 };			/* SD_LISTEN_FDS_START */

/* A number between 0 and the most in a variable; -1: not there. */
static int64_t
variable_number(const char *name, int64_t most)
{
	const char *text = secure_getenv(name);
	int64_t n;

	return text && num_parse(text, 0, most, &n) == 0 ? n : -1;
}

/* If it is one of 0 to 2, the number must stay in use. */
static void
standard_replace(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0 && null != fd) {
		dup2(null, fd);
		close(null);
	} else if (null >= 0) {
		fcntl(null, F_SETFD, 0);
	}
}

/* inetd gives one socket as 0, 1 and 2: none of our output may go there. */
static void
standard_clear(uint64_t inode)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (sock_inode(fd) == inode)
			standard_replace(fd);
}

static int
activation_add(struct activation *a, int fd, const char *name)
{
	uint64_t inode = sock_inode(fd);

	if (!inode)
		return fail_as(STATUS_USAGE, "descriptor %d is no socket", fd);
	if (a->count == ADDR_MAX)
		return fail_as(STATUS_USAGE, "a server has at most %d sockets",
		    ADDR_MAX);
	if (fd <= STDERR_FILENO) {
		fd = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
		if (fd < 0)
			return fail("descriptor");
		standard_clear(inode);
	}
	a->fd[a->count] = fd_move_up(fd, FD_LISTENER);
	fcntl(a->fd[a->count], F_SETFD, FD_CLOEXEC);
	snprintf(a->name[a->count++], sizeof(a->name[0]), "%s", name);
	return 0;
}

bool
activation_is_ours(void)
{
	return variable_number("LISTEN_PID", INT32_MAX) == getpid();
}

/* Those of systemd, if it means this process. */
static int
activation_take_listed(struct activation *a)
{
	const char *names = secure_getenv("LISTEN_FDNAMES");
	int64_t count = activation_is_ours() ?
	    variable_number("LISTEN_FDS", 1 << 16) : 0;
	char name[sizeof(a->name[0])] = "";

	for (int i = 0; i < count; i++) {
		size_t length = names ? strcspn(names, ":") : 0;

		if (names)
			snprintf(name, sizeof(name), "%.*s", (int)length,
			    names);
		if (activation_add(a, FIRST_FD + i, name) < 0)
			return fail_option("LISTEN_FDS:");
		names = names && names[length] ? names + length + 1 : NULL;
		*name = '\0';
	}
	return 0;
}

static int
socket_type(int fd)
{
	return sock_get_int(fd, SOL_SOCKET, SO_TYPE, -1);
}

int
activation_sort(struct activation *a, struct settings *s)
{
	int streams = 0, connections = 0;

	for (int i = 0; i < a->count; i++) {
		bool stream = socket_type(a->fd[i]) != SOCK_DGRAM;

		streams += stream;
		connections += stream && !sock_get_int(a->fd[i], SOL_SOCKET,
		    SO_ACCEPTCONN, 1);
	}
	if (connections && (a->count > 1 || s->reuseport))
		return fail_as(STATUS_USAGE, "a connection was passed: it is "
		    "served alone%s", s->reuseport ? ", and is in no group" :
		    "");
	if (connections)
		a->connected = a->fd[0];
	s->inherits = a->count > 0;
	s->udp = s->udp || (a->count && !streams);
	return 0;
}

int
activation_take(struct activation *a)
{
	int result;

	a->count = 0;
	a->connected = -1;
	result = activation_take_listed(a);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return result;
}

int
activation_take_number(struct activation *a, const char *text)
{
	int64_t fd;

	if (num_parse(text, 0, 1 << 20, &fd) < 0)
		return fail_as(STATUS_USAGE, "%.40s: want the number of a "
		    "descriptor", text);
	return activation_add(a, (int)fd, "");
}

/* Whether the user's words select that address. */
static bool
fits_endpoint(const struct addr *bound, const struct endpoint *e,
    const struct addr_list *at)
{
	if (!e->local && e->port && addr_port(bound) != e->port)
		return false;
	if (e->local && bound->sa.sa_family != AF_UNIX)
		return false;
	if (!e->local && !*e->host)
		return e->family == AF_UNSPEC ||
		    e->family == bound->sa.sa_family;
	for (int i = 0; i < at->count; i++)
		if (addr_equal(bound, &at->at[i]))
			return true;
	return false;
}

/* None fits: names those that there are. */
static int
activation_none(const struct activation *a)
{
	char text[ADDR_TEXT];
	struct addr bound;

	fail_as(STATUS_USAGE, "no socket of the service manager fits");
	for (int i = 0; i < a->count; i++)
		if (sock_name(a->fd[i], &bound) == 0)
			fail_add("%s%s%s", a->name[i], *a->name[i] ? " " : "",
			    addr_text(&bound, text));
	return -1;
}

/* With -r a socket must be in a group already. */
static int
activation_check_group(const struct sock_set *set)
{
	char text[ADDR_TEXT];

	for (int i = 0; i < set->count; i++)
		if (!sock_get_int(set->fd[i], SOL_SOCKET, SO_REUSEPORT, 0))
			return fail_as(STATUS_USAGE, "%s is in no group: the "
			    "service manager must set SO_REUSEPORT "
			    "(ReusePort=yes)", addr_text(&set->bound[i], text));
	return set->count <= REGISTRY_SOCKETS ? 0 : fail_as(STATUS_USAGE,
	    "%d sockets: a member can have %d", set->count, REGISTRY_SOCKETS);
}

static void
activation_prepare(int fd, const struct addr *bound, bool datagram)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (datagram)	/* answers go out from the address it came to */
		udp_prepare(fd, bound);
	else if (bound->sa.sa_family != AF_UNIX)
		sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

int
activation_open(struct activation *a, struct sock_set *out,
    const struct settings *s, const struct endpoint *e)
{
	struct addr_list at = { 0 };
	int type = s->udp ? SOCK_DGRAM : SOCK_STREAM;

	*out = (struct sock_set){ .inherited = true };
	if (a->connected >= 0)
		return sock_name(a->connected, &out->bound[0]) < 0 ?
		    fail("connection") : 0;
	if ((e->local || *e->host) && resolve_passive(e, &at) < 0)
		return -1;
	for (int i = 0; i < a->count; i++) {
		struct addr *bound = &out->bound[out->count];

		if (socket_type(a->fd[i]) != type ||
		    sock_name(a->fd[i], bound) < 0 ||
		    !fits_endpoint(bound, e, &at))
			continue;
		activation_prepare(a->fd[i], bound, s->udp);
		out->fd[out->count++] = a->fd[i];
	}
	addr_list_free(&at);
	if (!out->count)
		return activation_none(a);
	for (int i = 0, kept = 0; i < a->count; i++)
		if (kept < out->count && out->fd[kept] == a->fd[i])
			kept++;
		else
			close(a->fd[i]);
	return s->reuseport ? activation_check_group(out) : 0;
}

/* Our parent is the manager; of another user's we see no descriptors. */
static bool
parent_is_hidden(void)
{
	char path[40];
	DIR *list;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)getppid());
	list = opendir(path);
	if (list)
		closedir(list);
	return !list;
}

const char *
activation_holder(const struct sock_set *set, char text[static MANAGER_TEXT])
{
	char who[ADOPT_WHO], where[ADDR_TEXT] = "its sockets";
	pid_t holder = adopt_holder(set);

	if (!holder && !parent_is_hidden())
		return NULL;
	if (set->count)
		addr_text(&set->bound[0], where);
	snprintf(text, MANAGER_TEXT, "%s keeps %s", holder ?
	    adopt_who(holder, who) : "the service manager", where);
	return text;
}
