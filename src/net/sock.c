/*
 * Opens the listening sockets of a server. All addresses of an endpoint get the
 * same port, or none is opened. If port 0 was asked for, the kernel chooses one
 * for the first socket; if another socket can't have it, all are tried again.
 * With SO_REUSEPORT they share the port with other processes.
 */
#include "net/sock.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/fd_order.h"
#include "net/multicast.h"
#include "net/udp_options.h"
#include "net/unix_name.h"

enum { SAME_PORT_TRIES = 64 };

int
sock_name(int fd, struct addr *a)
{
	a->len = sizeof(a->un);
	if (getsockname(fd, &a->sa, &a->len) < 0) {
		a->len = 0;
		return -1;
	}
	addr_trim(a);
	return 0;
}

uint64_t
sock_inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? st.st_ino : 0;
}

int
sock_device(int fd, const char *interface)
{
	if (!interface)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
	    (socklen_t)strlen(interface) + 1) == 0)
		return 0;
	fail("interface %s", interface);
	return errno == ENODEV ? fail_status_set(STATUS_USAGE) : -1;
}

/* A second connect(2) reports the answer that has arrived meanwhile. */
int
sock_connect(int fd, const struct addr *to)
{
	int result = connect(fd, &to->sa, to->len);

	if (result < 0 && errno == EINPROGRESS)
		result = connect(fd, &to->sa, to->len);
	if (result < 0 && errno == EALREADY)
		errno = EINPROGRESS;
	return result;
}

int
sock_stream(int family, int flags, enum stream_kind kind)
{
	int type = kind == STREAM_SEQPACKET ? SOCK_SEQPACKET : SOCK_STREAM;

	return socket(family, type | flags, kind == STREAM_MPTCP ?
	    IPPROTO_MPTCP : 0);
}

bool
sock_is_mptcp(int fd)
{
	return sock_get_int(fd, SOL_SOCKET, SO_PROTOCOL, 0) == IPPROTO_MPTCP;
}

/* After a fallback to TCP the kernel has no such information. */
bool
sock_has_mptcp_peer(int fd)
{
	enum { MPTCP = 284, INFO = 1 };		/* of linux/mptcp.h */
	char info[256];
	socklen_t size = sizeof(info);

	return getsockopt(fd, MPTCP, INFO, info, &size) == 0;
}

static bool
is_inet(const struct addr *a)
{
	return a->sa.sa_family != AF_UNIX;
}

/* Sets the options that must come before bind(2). */
static int
sock_prepare(int fd, const struct addr *a, const struct sock_options *o)
{
	if (!is_inet(a))
		return sockopts_set(o->sockopts, fd);
	if (a->sa.sa_family == AF_INET6 &&
	    sock_set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0)
		return fail("IPV6_V6ONLY");
	if (o->datagram) {
		udp_prepare(fd, a);
		udp_enlarge(fd);
		udp_let_fragment(fd, a);
		udp_join(fd);
	} else {
		/* accepted sockets inherit it */
		sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		if (sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0)
			return fail("SO_REUSEADDR");
	}
	return sock_device(fd, o->interface) < 0 ? -1 :
	    sockopts_set(o->sockopts, fd);
}

static int
sock_share(int fd, const struct sock_options *o)
{
	if (!o->reuseport ||
	    sock_set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) == 0)
		return 0;
	return fail("SO_REUSEPORT");
}

static int
bind_to(int fd, const struct addr *a, const struct sock_options *o)
{
	if (is_inet(a))
		return bind(fd, &a->sa, a->len);
	return o->dry ? unix_try(fd, a) : unix_bind(fd, a);
}

/*
 * Binds and sets SO_REUSEPORT. The kernel may give two UDP sockets with
 * SO_REUSEPORT the same "free" port, so for UDP the option is set after
 * bind(2).
 */
static int
bind_shared(int fd, const struct addr *a, const struct sock_options *o)
{
	bool late = o->datagram && is_inet(a) && !addr_port(a);

	if (!late && is_inet(a) && sock_share(fd, o) < 0)
		return -1;
	if (bind_to(fd, a, o) < 0)
		return -1;
	return late ? sock_share(fd, o) : 0;
}

static int
listen_on(const struct addr *a, const struct sock_options *o)
{
	int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	char text[ADDR_TEXT];
	int fd;

	fd = o->datagram ? socket(a->sa.sa_family, SOCK_DGRAM | flags, 0) :
	    sock_stream(a->sa.sa_family, flags, o->stream);
	if (fd < 0)
		return fail("socket for %s", addr_text(a, text));
	if (sock_prepare(fd, a, o) < 0)
		goto close;
	if (bind_shared(fd, a, o) < 0 ||
	    (!o->datagram && !o->dry && listen(fd, o->backlog) < 0)) {
		if (errno == ENOTSOCK)
			fail_as(STATUS_BIND, "listen on %s: a file is there "
			    "that is no socket; it is never replaced",
			    addr_text(a, text));
		else
			fail("listen on %s", addr_text(a, text));
		goto close;
	}
	if (o->datagram && multicast_is_group(a) &&
	    multicast_join(fd, a, o->interface, &o->source) < 0)
		goto close;
	return fd_move_up(fd, FD_LISTENER);
close:
	close(fd);
	return -1;
}

static bool
lacks_ipv6(const struct addr *a)
{
	return a->sa.sa_family == AF_INET6 && addr_is_wildcard(a) &&
	    (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
}

/* The same; *a becomes the address that it has. */
static int
listen_named(struct addr *a, const struct sock_options *o)
{
	int fd = listen_on(a, o), error;

	if (fd < 0 || !is_inet(a) || sock_name(fd, a) == 0)
		return fd;
	fail("getsockname");
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Opens all with one port: 0, or -1; 1: another port may work. */
static int
listen_once(struct sock_set *out, const struct addr_list *want,
    const struct sock_options *o)
{
	uint16_t port = addr_port(&want->at[0]);
	bool chosen = port == 0;

	*out = (struct sock_set){ 0 };
	for (int i = 0; i < want->count; i++) {
		struct addr a = want->at[i];
		int fd;

		addr_set_port(&a, port);
		fd = listen_named(&a, o);
		if (fd < 0 && lacks_ipv6(&a) && want->count > 1) {
			out->no_ipv6 = true;
			continue;
		}
		if (fd < 0) {
			sock_set_close(out);
			out->refused = a;
			out->error = errno;
			return chosen && i && errno == EADDRINUSE ? 1 : -1;
		}
		port = addr_port(&a);
		out->fd[out->count] = fd;
		out->bound[out->count++] = a;
	}
	return out->count ? 0 : -1;
}

/*
 * Orders 0.0.0.0 before ::, and drops repeated addresses. A v4-mapped one is its
 * IPv4 address: an IPv6 socket of ours has no IPv4.
 */
static int
addr_list_in_order(struct addr_list *list, const struct addr_list *want)
{
	for (int v6 = 0; v6 <= 1; v6++)
		for (int i = 0; i < want->count; i++) {
			struct addr a = addr_unmapped(&want->at[i]);
			bool seen = (a.sa.sa_family == AF_INET6) != v6;

			for (int j = 0; j < list->count && !seen; j++)
				seen = addr_equal(&a, &list->at[j]);
			if (!seen && addr_list_add(list, &a) < 0)
				return -1;
		}
	return list->count <= ADDR_MAX ? 1 : fail_as(STATUS_BIND, "%d "
	    "addresses: a server has at most %d", list->count, ADDR_MAX);
}

int
sock_listen(struct sock_set *out, const struct addr_list *want,
    const struct sock_options *options)
{
	struct addr_list list = { 0 };
	int result = addr_list_in_order(&list, want);

	*out = (struct sock_set){ 0 };
	for (int i = 0; i < SAME_PORT_TRIES && result > 0; i++)
		result = listen_once(out, &list, options);
	addr_list_free(&list);
	if (result == 0)
		return 0;
	return fail_status() == STATUS_NETWORK ?
	    fail_status_set(STATUS_BIND) : -1;
}

void
sock_set_close(struct sock_set *set)
{
	int saved = errno;

	for (int i = 0; i < set->count; i++)
		close(set->fd[i]);
	set->count = 0;
	errno = saved;
}

bool
sock_has_source(const struct addr *to)
{
	int fd = socket(to->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool lacks = fd >= 0 && connect(fd, &to->sa, to->len) < 0 &&
	    errno == EADDRNOTAVAIL;

	if (fd >= 0)
		close(fd);
	return !lacks;
}

bool
sock_is_broadcast(const struct addr *to)
{
	int fd = socket(to->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool may = fd >= 0 && connect(fd, &to->sa, to->len) < 0 &&
	    errno == EACCES &&
	    sock_set_int(fd, SOL_SOCKET, SO_BROADCAST, 1) == 0 &&
	    connect(fd, &to->sa, to->len) == 0;

	if (fd >= 0)
		close(fd);
	return may;
}

bool
sock_is_local(const struct addr *a)
{
	struct addr any = *a;
	int fd, result;

	if (a->sa.sa_family == AF_UNIX)
		return false;
	addr_set_port(&any, 0);
	fd = socket(a->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	result = bind(fd, &any.sa, any.len);
	close(fd);
	return result == 0;
}
