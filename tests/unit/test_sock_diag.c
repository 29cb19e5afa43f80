#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "kernel/sock_diag.h"
#include "net/addr.h"
#include "net/sock.h"

/* Last: its macros, fail() among them, would rewrite the others. */
#include <cmocka.h>

/*
 * Real sockets on loopback. Whatever has to have arrived is waited for by an
 * event of its own, never by time; LIMIT only ends a test that has failed.
 */
enum { LIMIT_MS = 10000, SLACK_MS = 100, MANY = 300 };

enum { CANNOT = 77 };		/* the exit status of a child */

enum {
	REUSE = 1,
	V6ONLY = 2,
	ON_LO = 4,		/* bound to the device lo */
	UDP = 8,
};

static struct sock_diag *diag;

/* What the kernel does seldom, done to the next batches of answers. */
static struct {
	int interrupted;	/* this many are of a dump that changed */
	bool stale;		/* the end of an older answer comes first */
	uint32_t length;	/* the first message of one says that of itself */
} meddle;
static int batches;

/* Takes the library's place. */
ssize_t
mnl_socket_recvfrom(const struct mnl_socket *nl, void *buffer, size_t size)
{
	struct nlmsghdr *h = buffer;
	ssize_t got;

	batches++;
	if (meddle.stale) {
		meddle.stale = false;
		mnl_nlmsg_put_header(buffer)->nlmsg_type = NLMSG_DONE;
		return h->nlmsg_len;
	}
	got = recv(mnl_socket_get_fd(nl), buffer, size, 0);
	if (meddle.length) {
		h->nlmsg_len = meddle.length;
		meddle.length = 0;
		return got;
	}
	if (got >= (ssize_t)sizeof(*h) && meddle.interrupted > 0) {
		meddle.interrupted--;
		h->nlmsg_flags |= NLM_F_DUMP_INTR;
	}
	return got;
}

static struct addr
at(const char *host, uint16_t port)
{
	struct addr a = { 0 };

	if (strchr(host, ':') == NULL) {
		a.len = sizeof(a.in);
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(port);
		assert_int_equal(inet_pton(AF_INET, host, &a.in.sin_addr), 1);
		return a;
	}
	a.len = sizeof(a.in6);
	a.in6.sin6_family = AF_INET6;
	a.in6.sin6_port = htons(port);
	assert_int_equal(inet_pton(AF_INET6, host, &a.in6.sin6_addr), 1);
	return a;
}

static struct addr
here(int fd)
{
	struct addr a = { .len = sizeof(a.in6) };

	assert_int_equal(getsockname(fd, &a.sa, &a.len), 0);
	return a;
}

static struct addr
there(int fd)
{
	struct addr a = { .len = sizeof(a.in6) };

	assert_int_equal(getpeername(fd, &a.sa, &a.len), 0);
	return a;
}

static uint16_t
port_of(int fd)
{
	struct addr a = here(fd);

	return addr_port(&a);
}

static uint64_t
cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len),
	    0);
	return cookie;
}

static void
option(int fd, int level, int name, int value)
{
	assert_int_equal(setsockopt(fd, level, name, &value, sizeof(value)), 0);
}

/* A bound socket, not listening; -1: the address is in use. */
static int
try_bound(const struct addr *a, int how)
{
	int type = how & UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(a->sa.sa_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (how & REUSE)
		option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (a->sa.sa_family == AF_INET6)
		option(fd, IPPROTO_IPV6, IPV6_V6ONLY, (how & V6ONLY) != 0);
	if (how & ON_LO)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE,
		    "lo", 2), 0);
	if (bind(fd, &a->sa, a->len) == 0)
		return fd;
	assert_int_equal(errno, EADDRINUSE);
	close(fd);
	return -1;
}

static int
bound(const struct addr *a, int how)
{
	int fd = try_bound(a, how);

	assert_true(fd >= 0);
	return fd;
}

static int
listener(const char *host, uint16_t port, int how, int backlog)
{
	struct addr a = at(host, port);
	int fd = bound(&a, how);

	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static int
dial(const char *host, uint16_t port)
{
	struct addr a = at(host, port);
	int fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, &a.sa, a.len), 0);
	return fd;
}

/* Edge-triggered: every connection that enters the queue is one event. */
static int
arrivals(int listening)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	assert_true(ep >= 0);
	assert_int_equal(epoll_ctl(ep, EPOLL_CTL_ADD, listening, &e), 0);
	return ep;
}

static void
arrived(int ep)
{
	struct epoll_event e;

	assert_int_equal(epoll_wait(ep, &e, 1, LIMIT_MS), 1);
}

struct found {
	struct diag_sock at[2 * MANY];
	int count, stop;
};

static int
keep(const struct diag_sock *s, void *arg)
{
	struct found *f = arg;

	assert_true(f->count < 2 * MANY);
	f->at[f->count++] = *s;
	return f->count == f->stop;
}

static const struct diag_sock *
by_inode(const struct diag_sock *list, int count, uint64_t inode)
{
	for (int i = 0; i < count; i++)
		if (list[i].inode == inode)
			return &list[i];
	return NULL;
}

/* What a dump of its port says of a socket, which it says once. */
static struct diag_sock
only(int protocol, unsigned states, int fd)
{
	static struct found f;
	struct diag_sock s = { 0 };
	uint64_t inode = sock_inode(fd);
	int given, seen = 0;

	f = (struct found){ 0 };
	given = sock_diag_dump(diag, protocol, states, port_of(fd), keep, &f);
	assert_int_equal(given, f.count);
	for (int i = 0; i < f.count; i++) {
		assert_int_equal(addr_port(&f.at[i].local), port_of(fd));
		if (f.at[i].inode == inode) {
			s = f.at[i];
			seen++;
		}
	}
	assert_int_equal(seen, 1);
	return s;
}

/* The only connection to a listening socket. */
static struct diag_sock
queued(int fd)
{
	static struct found f;

	f = (struct found){ 0 };
	sock_diag_dump(
	    diag, IPPROTO_TCP, 1 << TCP_ESTABLISHED, port_of(fd), keep, &f);
	assert_int_equal(f.count, 1);
	return f.at[0];
}

static struct diag_sock
got(int protocol, const struct addr *local, const struct addr *remote)
{
	struct diag_sock s = { 0 };

	if (sock_diag_get(diag, protocol, local, remote, &s) != 1)
		fail_msg("diag_get: not found");
	return s;
}

static void
close_all(int *fds, int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

static void
test_listener(void **state)
{
	int fd = listener("127.0.0.1", 0, 0, 7);
	struct addr a = here(fd);
	struct diag_sock s = only(IPPROTO_TCP, 1 << TCP_LISTEN, fd);

	(void)state;
	assert_true(addr_equal(&s.local, &a));
	assert_int_equal(addr_port(&s.remote), 0);
	assert_int_equal(s.protocol, IPPROTO_TCP);
	assert_int_equal(s.state, TCP_LISTEN);
	assert_int_equal(s.inode, sock_inode(fd));
	assert_int_equal(s.cookie, cookie_of(fd));
	assert_int_equal(s.uid, geteuid());
	assert_int_equal(s.ifindex, 0);
	assert_int_equal(s.v6only, -1);
	assert_int_equal(s.rqueue, 0);
	assert_int_equal(s.wqueue, 7);
	assert_int_equal(s.drops, 0);
	close(fd);
}

static void
test_queue_grows(void **state)
{
	int fd = listener("127.0.0.1", 0, 0, 7), ep = arrivals(fd), client[3];
	struct diag_sock s;

	(void)state;
	for (int i = 0; i < 3; i++) {
		client[i] = dial("127.0.0.1", port_of(fd));
		arrived(ep);
		s = only(IPPROTO_TCP, 1 << TCP_LISTEN, fd);
		assert_int_equal(s.rqueue, i + 1);
	}
	close(accept(fd, NULL, NULL));
	s = only(IPPROTO_TCP, 1 << TCP_LISTEN, fd);
	assert_int_equal(s.rqueue, 2);
	close_all(client, 3);
	close(ep);
	close(fd);
}

/* Fills a queue of one; what comes then is dropped, and counted. */
static void
test_listener_drops(void **state)
{
	int fd = listener("127.0.0.1", 0, 0, 0), ep = arrivals(fd);
	struct addr a = here(fd);
	int first = dial("127.0.0.1", port_of(fd));
	uint64_t drops = 0;

	(void)state;
	arrived(ep);
	for (int i = 0; i < 1000 && drops == 0; i++) {
		int more = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		(void)!connect(more, &a.sa, a.len);
		drops = only(IPPROTO_TCP, 1 << TCP_LISTEN, fd).drops;
		close(more);
	}
	assert_in_range(drops, 1, 1000);
	close_all((int[]){ first, ep, fd }, 3);
}

static void
test_group(void **state)
{
	int a = listener("127.0.0.1", 0, REUSE, 8);
	uint16_t port = port_of(a);
	int b = listener("127.0.0.1", port, REUSE, 8);
	struct addr all = at("127.0.0.1", port);
	int waits = bound(&all, REUSE), others[8];
	struct diag_sock *list;

	(void)state;
	/* Enough for some to be listed before and some after. */
	for (int i = 0; i < 8; i++) {
		all.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 16 + i);
		others[i] = bound(&all, REUSE);
		assert_int_equal(listen(others[i], 8), 0);
	}
	all = at("127.0.0.1", port);
	assert_int_equal(sock_diag_group(diag, IPPROTO_TCP, &all, &list), 2);
	assert_int_equal(list[0].inode, sock_inode(b));
	assert_int_equal(list[1].inode, sock_inode(a));
	free(list);
	all = at("127.0.0.3", port);
	assert_int_equal(sock_diag_group(diag, IPPROTO_TCP, &all, &list), 0);
	free(list);
	all = at("127.0.0.1", port);
	assert_int_equal(sock_diag_group(diag, IPPROTO_UDP, &all, &list), 0);
	free(list);
	close_all(others, 8);
	close_all((int[]){ a, b, waits }, 3);
}

/* Accepts the one connection that is there; returns its listener's inode. */
static uint64_t
accept_from(int *fds, int count)
{
	struct pollfd p[8];
	uint64_t inode = 0;

	assert_true(count <= 8);
	for (int i = 0; i < count; i++)
		p[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	assert_int_equal(poll(p, count, LIMIT_MS), 1);
	for (int i = 0; i < count; i++)
		if (p[i].revents) {
			inode = sock_inode(fds[i]);
			close(accept(fds[i], NULL, NULL));
		}
	return inode;
}

/* One address, two groups: the order in which they were made decides. */
static void
check_v6only(bool v6only_first)
{
	int how[2] = { REUSE, REUSE };
	int fds[4], client;
	uint16_t port;
	struct addr any = at("::", 0);
	struct diag_sock *list, *other, member;

	how[v6only_first ? 0 : 1] |= V6ONLY;
	fds[0] = listener("::", 0, how[0], 8);
	port = port_of(fds[0]);
	fds[1] = listener("::", port, how[1], 8);
	fds[2] = listener("::", port, how[0], 8);
	fds[3] = listener("::", port, how[1], 8);
	addr_set_port(&any, port);
	assert_int_equal(sock_diag_group(diag, IPPROTO_TCP, &any, &list), 2);
	assert_int_equal(list[0].inode, sock_inode(fds[0]));
	assert_int_equal(list[1].inode, sock_inode(fds[2]));
	assert_int_equal(list[0].v6only, v6only_first);
	for (int i = 0; i < 20; i++) {
		client = dial("::1", port);
		assert_non_null(by_inode(list, 2, accept_from(fds, 4)));
		close(client);
	}
	member = list[0];
	member.v6only = !member.v6only;
	assert_int_equal(sock_diag_group_of(diag, &member, &other), 2);
	assert_int_equal(other[0].inode, sock_inode(fds[1]));
	assert_int_equal(other[1].inode, sock_inode(fds[3]));
	free(other);
	free(list);
	close_all(fds, 4);
}

static void
test_group_v6only(void **state)
{
	(void)state;
	check_v6only(true);
	check_v6only(false);
}

static void
test_group_device(void **state)
{
	int free_one = listener("127.0.0.1", 0, REUSE, 8);
	uint16_t port = port_of(free_one);
	int on_lo = listener("127.0.0.1", port, REUSE | ON_LO, 8);
	struct addr a = here(free_one);
	struct diag_sock *list, *device, member;
	static struct found f;

	(void)state;
	assert_int_equal(sock_diag_group(diag, IPPROTO_TCP, &a, &list), 1);
	assert_int_equal(list[0].inode, sock_inode(free_one));
	f = (struct found){ 0 };
	assert_int_equal(
	    sock_diag_dump(diag, IPPROTO_TCP, 1 << TCP_LISTEN, port, keep, &f),
	    2);
	member = *by_inode(f.at, 2, sock_inode(on_lo));
	assert_int_equal(member.ifindex, 1);
	assert_int_equal(sock_diag_group_of(diag, &member, &device), 1);
	assert_int_equal(device[0].inode, sock_inode(on_lo));
	free(device);
	free(list);
	close(on_lo);
	close(free_one);
}

/* Both ends of one connection, asked for by what getsockname() says. */
static void
check_connection(int fd, const char *host)
{
	int client = dial(host, port_of(fd)), server = accept(fd, NULL, NULL);
	struct addr c = here(client), cp = there(client);
	struct addr s = here(server), sp = there(server);
	struct diag_sock d = got(IPPROTO_TCP, &s, &sp);

	assert_int_equal(d.state, TCP_ESTABLISHED);
	assert_int_equal(d.inode, sock_inode(server));
	assert_int_equal(d.cookie, cookie_of(server));
	assert_true(addr_equal(&d.local, &s));
	assert_true(addr_equal(&d.remote, &sp));
	assert_int_equal(d.v6only, -1);
	d = got(IPPROTO_TCP, &c, &cp);
	assert_int_equal(d.inode, sock_inode(client));
	/* As the client names it, which is all that probe knows. */
	d = got(IPPROTO_TCP, &cp, &c);
	assert_int_equal(d.inode, sock_inode(server));
	assert_true(addr_equal(&d.local, &s));
	close(server);
	close(client);
}

static void
test_get_v4(void **state)
{
	int fd = listener("127.0.0.1", 0, 0, 8);

	(void)state;
	check_connection(fd, "127.0.0.1");
	close(fd);
}

static void
test_get_v6(void **state)
{
	int fd = listener("::1", 0, V6ONLY, 8);

	(void)state;
	check_connection(fd, "::1");
	close(fd);
}

static void
test_get_dual(void **state)
{
	int fd = listener("::", 0, 0, 8);

	(void)state;
	check_connection(fd, "127.0.0.1");
	check_connection(fd, "::1");
	check_connection(fd, "::ffff:127.0.0.1");
	close(fd);
	fd = listener("127.0.0.1", 0, 0, 8);
	check_connection(fd, "::ffff:127.0.0.1");
	close(fd);
}

static void
test_get_device(void **state)
{
	int v4 = listener("127.0.0.1", 0, ON_LO, 8);
	int v6 = listener("::1", 0, ON_LO | V6ONLY, 8);

	(void)state;
	check_connection(v4, "127.0.0.1");
	check_connection(v6, "::1");
	close(v6);
	close(v4);
}

static void
test_get_queued(void **state)
{
	int fd = listener("127.0.0.1", 0, 0, 8), ep = arrivals(fd);
	int client = dial("127.0.0.1", port_of(fd)), server;
	struct addr c = here(client), cp = there(client);
	struct diag_sock s;
	char text[5];

	(void)state;
	arrived(ep);
	s = got(IPPROTO_TCP, &cp, &c);
	assert_int_equal(s.state, TCP_ESTABLISHED);
	assert_int_equal(s.inode, 0);
	assert_int_equal(s.uid, geteuid());
	assert_true(s.age_ms < LIMIT_MS);
	server = accept(fd, NULL, NULL);
	assert_int_equal(send(client, "hello", 5, 0), 5);
	assert_int_equal(recv(server, text, 5, MSG_PEEK | MSG_WAITALL), 5);
	s = got(IPPROTO_TCP, &cp, &c);
	assert_int_equal(s.inode, sock_inode(server));
	assert_int_equal(s.rqueue, 5);
	close_all((int[]){ server, client, ep, fd }, 4);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/*
 * A queued child's age counts from the handshake, in ticks, which a busy
 * virtual machine counts late.
 */
static void
test_age(void **state)
{
	int fd = listener("127.0.0.1", 0, 0, 8), ep = arrivals(fd);
	int64_t start = now_ms(), before, after;
	int client = dial("127.0.0.1", port_of(fd));
	struct diag_sock s;
	uint32_t age;

	(void)state;
	arrived(ep);
	after = now_ms();
	do {
		before = now_ms();
		age = queued(fd).age_ms;
		assert_in_range(age + SLACK_MS, before - after,
		    now_ms() - start + 2 * SLACK_MS);
	} while (age < 30 && before - start < LIMIT_MS);
	assert_in_range(age, 30, LIMIT_MS);
	/* What the client says meanwhile doesn't make it younger. */
	assert_int_equal(send(client, "x", 1, 0), 1);
	do
		s = queued(fd);
	while (s.rqueue == 0 && s.age_ms < LIMIT_MS);
	assert_int_equal(s.rqueue, 1);
	assert_in_range(s.age_ms, age, LIMIT_MS);
	close_all((int[]){ client, ep, fd }, 3);
}

static void
test_get_none(void **state)
{
	int fd = listener("127.0.0.1", 0, 0, 8);
	struct addr server = here(fd), nobody = at("127.0.0.1", 1);
	struct diag_sock s;

	(void)state;
	s = got(IPPROTO_TCP, &server, &nobody);
	assert_int_equal(s.state, TCP_LISTEN);
	assert_int_equal(s.inode, sock_inode(fd));
	close(fd);
	s.inode = 42;
	assert_int_equal(
	    sock_diag_get(diag, IPPROTO_TCP, &server, &nobody, &s), 0);
	assert_int_equal(s.inode, 42);
	assert_int_equal(
	    sock_diag_get(diag, IPPROTO_UDP, &server, &nobody, &s), 0);
}

/*
 * Asked before connect(): the listener that the hash will choose. The client
 * closes first, so that no two clients get the same port: asked for again,
 * the addresses would name the server's TIME_WAIT.
 */
static void
test_get_predicts(void **state)
{
	struct addr server, client, any = at("127.0.0.1", 0);
	int fds[4], fd;
	uint64_t predicted;

	(void)state;
	fds[0] = listener("127.0.0.1", 0, REUSE, 8);
	for (int i = 1; i < 4; i++)
		fds[i] = listener("127.0.0.1", port_of(fds[0]), REUSE, 8);
	server = here(fds[0]);
	for (int i = 0; i < 32; i++) {
		fd = bound(&any, 0);
		client = here(fd);
		predicted = got(IPPROTO_TCP, &server, &client).inode;
		assert_int_equal(connect(fd, &server.sa, server.len), 0);
		close(fd);
		assert_int_equal(predicted, accept_from(fds, 4));
	}
	close_all(fds, 4);
}

static void
test_udp(void **state)
{
	struct addr any = at("127.0.0.1", 0), a, c;
	int fd = bound(&any, UDP), client = bound(&any, UDP);
	struct diag_sock s = only(IPPROTO_UDP, 1 << TCP_CLOSE, fd);
	static struct found f;

	(void)state;
	a = here(fd);
	c = here(client);
	assert_int_equal(s.protocol, IPPROTO_UDP);
	assert_int_equal(s.state, TCP_CLOSE);
	assert_int_equal(s.inode, sock_inode(fd));
	assert_true(addr_equal(&s.local, &a));
	assert_true(s.rcvbuf > 0);
	assert_int_equal(connect(client, &a.sa, a.len), 0);
	s = only(IPPROTO_UDP, 1 << TCP_ESTABLISHED, client);
	assert_int_equal(s.inode, sock_inode(client));
	assert_true(addr_equal(&s.remote, &a));
	assert_int_equal(got(IPPROTO_UDP, &c, &a).inode, sock_inode(client));
	assert_int_equal(got(IPPROTO_UDP, &a, &c).inode, sock_inode(fd));
	f = (struct found){ 0 };
	assert_int_equal(sock_diag_dump(diag, IPPROTO_UDP, 1 << TCP_CLOSE,
	    port_of(client), keep, &f), 0);
	close(client);
	close(fd);
}

static uint32_t
kernel_drops(int fd)
{
	uint32_t memory[SK_MEMINFO_VARS];
	socklen_t len = sizeof(memory);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &len),
	    0);
	return memory[SK_MEMINFO_DROPS];
}

static void
test_udp_drops(void **state)
{
	struct addr any = at("127.0.0.1", 0), a;
	int fd = bound(&any, UDP), client = bound(&any, UDP);
	char text[1000] = "";
	struct diag_sock s;
	uint32_t before;

	(void)state;
	a = here(fd);
	option(fd, SOL_SOCKET, SO_RCVBUF, 4096);
	assert_int_equal(only(IPPROTO_UDP, 1 << TCP_CLOSE, fd).drops, 0);
	for (int i = 0; i < 100000 && kernel_drops(fd) < 10; i++)
		sendto(client, text, sizeof(text), 0, &a.sa, a.len);
	before = kernel_drops(fd);
	s = only(IPPROTO_UDP, 1 << TCP_CLOSE, fd);
	assert_in_range(before, 10, 100000);
	assert_in_range(s.drops, before, kernel_drops(fd));
	assert_int_equal(s.rcvbuf, 8192);
	assert_true(s.rqueue > 0);
	close(client);
	close(fd);
}

static void
test_udp_group(void **state)
{
	struct addr a = at("127.0.0.1", 0), b = at("::1", 0);
	int v4[3], v6[3];
	struct diag_sock *list;

	(void)state;
	for (int i = 0; i < 3; i++) {
		v4[i] = bound(&a, UDP | REUSE);
		v6[i] = bound(&b, UDP | REUSE | V6ONLY);
		a = here(v4[0]);
		b = here(v6[0]);
	}
	assert_int_equal(sock_diag_group(diag, IPPROTO_UDP, &a, &list), 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(list[i].inode, sock_inode(v4[2 - i]));
	free(list);
	assert_int_equal(sock_diag_group(diag, IPPROTO_UDP, &b, &list), 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(list[i].inode, sock_inode(v6[i]));
	assert_int_equal(list[0].v6only, 1);
	free(list);
	close_all(v4, 3);
	close_all(v6, 3);
}

/* One look-up names the member that the next datagram reaches. */
static void
test_udp_predicts(void **state)
{
	struct addr server, client, any = at("127.0.0.1", 0);
	int fds[3], fd;
	struct pollfd p[3];
	uint64_t predicted;
	char byte;

	(void)state;
	fds[0] = bound(&any, UDP | REUSE);
	server = here(fds[0]);
	for (int i = 1; i < 3; i++)
		fds[i] = bound(&server, UDP | REUSE);
	for (int i = 0; i < 32; i++) {
		fd = bound(&any, UDP);
		client = here(fd);
		predicted = got(IPPROTO_UDP, &server, &client).inode;
		sendto(fd, "x", 1, 0, &server.sa, server.len);
		for (int k = 0; k < 3; k++)
			p[k] = (struct pollfd){ fds[k], POLLIN, 0 };
		assert_int_equal(poll(p, 3, LIMIT_MS), 1);
		for (int k = 0; k < 3; k++)
			if (p[k].revents) {
				assert_int_equal(predicted, sock_inode(fds[k]));
				assert_int_equal(recv(fds[k], &byte, 1, 0), 1);
			}
		close(fd);
	}
	close_all(fds, 3);
}

struct wanted {
	uint64_t inode[2];
	int seen[2];
};

static int
look_for(const struct diag_sock *s, void *arg)
{
	struct wanted *w = arg;

	for (int i = 0; i < 2; i++)
		w->seen[i] += s->inode == w->inode[i];
	return 0;
}

/* A listener on each family at one port that both have free. */
static void
listen_both(int *v4, int *v6)
{
	struct addr a = at("::1", 0);

	do {
		*v4 = listener("127.0.0.1", 0, 0, 8);
		addr_set_port(&a, port_of(*v4));
		*v6 = try_bound(&a, V6ONLY);
		if (*v6 < 0)
			close(*v4);
	} while (*v6 < 0);
	assert_int_equal(listen(*v6, 8), 0);
}

static void
test_dump_filters(void **state)
{
	int v4, v6, client, server;
	static struct found f;

	(void)state;
	listen_both(&v4, &v6);
	client = dial("127.0.0.1", port_of(v4));
	server = accept(v4, NULL, NULL);
	f = (struct found){ 0 };
	assert_int_equal(sock_diag_dump(diag, IPPROTO_TCP, 1 << TCP_LISTEN,
	    port_of(v4), keep, &f), 2);
	assert_int_equal(f.at[0].inode, sock_inode(v4));
	assert_int_equal(f.at[1].inode, sock_inode(v6));
	assert_int_equal(f.at[1].v6only, 1);
	only(IPPROTO_TCP, 1 << TCP_ESTABLISHED, server);
	f = (struct found){ 0 };
	/* strangers may have come by the same number as a client's port */
	assert_true(sock_diag_dump(diag, IPPROTO_TCP, ~0u, port_of(v4), keep,
	    &f) >= 3);
	assert_non_null(by_inode(f.at, f.count, sock_inode(v4)));
	assert_non_null(by_inode(f.at, f.count, sock_inode(v6)));
	assert_non_null(by_inode(f.at, f.count, sock_inode(server)));
	close_all((int[]){ server, client, v6, v4 }, 4);
}

static void
test_dump_every_port(void **state)
{
	int fd = listener("127.0.0.1", 0, 0, 8);
	int client = dial("127.0.0.1", port_of(fd));
	int server = accept(fd, NULL, NULL);
	struct wanted w = { .inode = { sock_inode(client), sock_inode(server) } };

	(void)state;
	sock_diag_dump(
	    diag, IPPROTO_TCP, 1 << TCP_ESTABLISHED, 0, look_for, &w);
	assert_int_equal(w.seen[0], 1);
	assert_int_equal(w.seen[1], 1);
	close_all((int[]){ server, client, fd }, 3);
}

/* More than one message's worth, each once; then stopped at the second. */
static void
test_dump_many(void **state)
{
	static int fds[MANY];
	static struct found f;
	struct addr a;

	(void)state;
	fds[0] = listener("127.0.0.1", 0, REUSE, 8);
	for (int i = 1; i < MANY; i++)
		fds[i] = listener("127.0.0.1", port_of(fds[0]), REUSE, 8);
	f = (struct found){ 0 };
	assert_int_equal(sock_diag_dump(diag, IPPROTO_TCP, 1 << TCP_LISTEN,
	    port_of(fds[0]), keep, &f), MANY);
	for (int i = 0; i < MANY; i++)
		assert_non_null(by_inode(f.at, f.count, sock_inode(fds[i])));
	f = (struct found){ .stop = 2 };
	assert_int_equal(sock_diag_dump(diag, IPPROTO_TCP, 1 << TCP_LISTEN,
	    port_of(fds[0]), keep, &f), 2);
	assert_int_equal(f.count, 2);
	a = here(fds[0]);
	assert_int_equal(got(IPPROTO_TCP, &a, &a).state, TCP_LISTEN);
	close_all(fds, MANY);
}

static void
test_dump_interrupted(void **state)
{
	int fd = listener("127.0.0.1", 0, 0, 8);

	(void)state;
	meddle.interrupted = 2;
	only(IPPROTO_TCP, 1 << TCP_LISTEN, fd);
	assert_int_equal(meddle.interrupted, 0);
	/* Always: there is an end to it, and an answer. */
	meddle.interrupted = 1000;
	only(IPPROTO_TCP, 1 << TCP_LISTEN, fd);
	assert_in_range(meddle.interrupted, 900, 1000);
	/* And when nothing changes it is made once: both families, an end. */
	meddle.interrupted = 0;
	batches = 0;
	only(IPPROTO_TCP, 1 << TCP_LISTEN, fd);
	assert_in_range(batches, 2, 4);
	close(fd);
}

static void
test_stale_answer(void **state)
{
	int fd = listener("127.0.0.1", 0, 0, 8);
	struct addr a = here(fd);

	(void)state;
	meddle.stale = true;
	only(IPPROTO_TCP, 1 << TCP_LISTEN, fd);
	assert_false(meddle.stale);
	meddle.stale = true;
	assert_int_equal(got(IPPROTO_TCP, &a, &a).inode, sock_inode(fd));
	close(fd);
}

/* A length is compared as what it is: unsigned. */
static void
test_wrong_length(void **state)
{
	static const uint32_t wrong[] = {
		UINT32_MAX, UINT32_MAX - 15, 1u << 31, 1 << 20, 15, 1,
	};
	int fd = listener("127.0.0.1", 0, 0, 7);
	struct addr a = here(fd);
	struct diag_sock s;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		meddle.length = wrong[i];
		assert_int_equal(
		    sock_diag_get(diag, IPPROTO_TCP, &a, &a, &s), -1);
		assert_non_null(strstr(fail_text(), "sock_diag"));
	}
	only(IPPROTO_TCP, 1 << TCP_LISTEN, fd);
	close(fd);
}

/* The numbers of all netlink sockets of sock_diag here. */
static int
port_ids(uint32_t *ids, int room)
{
	FILE *in = fopen("/proc/net/netlink", "re");
	unsigned family;
	uint32_t id;
	char line[256];
	int n = 0;

	while (in && n < room && fgets(line, sizeof(line), in))
		if (sscanf(line, "%*s %u %u", &family, &id) == 2 &&
		    family == NETLINK_SOCK_DIAG && id)
			ids[n++] = id;
	if (in)
		fclose(in);
	return n;
}

/*
 * In a network of its own any user may send to the sockets of others. The exit
 * status: 0 if what was sent to a socket of ours is refused.
 */
static int
forge(void)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	struct nlmsghdr forged = { .nlmsg_len = sizeof(forged) };
	struct addr a = at("127.0.0.1", 1);
	struct sock_diag *own;
	struct diag_sock s;
	uint32_t ids[64];
	int fd, n;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return CANNOT;
	own = sock_diag_open();
	/* a question gives its socket a number */
	if (!own || sock_diag_get(own, IPPROTO_TCP, &a, &a, &s) < 0)
		return 1;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	n = port_ids(ids, 64);
	if (n != 1)
		return 2;
	to.nl_pid = ids[0];
	if (sendto(fd, &forged, sizeof(forged), 0, (struct sockaddr *)&to,
	    sizeof(to)) >= 0)
		return 3;
	return errno == ECONNREFUSED ? 0 : 4;
}

/* Only the kernel can answer, even where somebody else may send. */
static void
test_forged_sender(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0)
		_exit(forge());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == CANNOT) {
		print_message("no user namespaces here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_no_module(void **state)
{
	struct addr a = at("127.0.0.1", 1);
	struct diag_sock s;

	(void)state;
	assert_int_equal(sock_diag_get(diag, IPPROTO_IGMP, &a, &a, &s), -1);
	assert_non_null(strstr(fail_text(), "does not list"));
	/* And the handle still works. */
	assert_int_equal(sock_diag_get(diag, IPPROTO_TCP, &a, &a, &s), 0);
}

static void
test_cloexec(void **state)
{
	int next = open("/dev/null", O_RDONLY);
	struct sock_diag *d;

	(void)state;
	close(next);
	d = sock_diag_open();
	assert_non_null(d);
	assert_int_equal(fcntl(next, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	sock_diag_close(d);
	assert_int_equal(fcntl(next, F_GETFD), -1);
}

static int
open_diag(void **state)
{
	(void)state;
	diag = sock_diag_open();
	return diag ? 0 : -1;
}

static int
close_diag(void **state)
{
	(void)state;
	sock_diag_close(diag);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listener),
		cmocka_unit_test(test_queue_grows),
		cmocka_unit_test(test_listener_drops),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_group_v6only),
		cmocka_unit_test(test_group_device),
		cmocka_unit_test(test_get_v4),
		cmocka_unit_test(test_get_v6),
		cmocka_unit_test(test_get_dual),
		cmocka_unit_test(test_get_device),
		cmocka_unit_test(test_get_queued),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_get_none),
		cmocka_unit_test(test_get_predicts),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_udp_drops),
		cmocka_unit_test(test_udp_group),
		cmocka_unit_test(test_udp_predicts),
		cmocka_unit_test(test_dump_filters),
		cmocka_unit_test(test_dump_every_port),
		cmocka_unit_test(test_dump_many),
		cmocka_unit_test(test_dump_interrupted),
		cmocka_unit_test(test_stale_answer),
		cmocka_unit_test(test_wrong_length),
		cmocka_unit_test(test_forged_sender),
		cmocka_unit_test(test_no_module),
		cmocka_unit_test(test_cloexec),
	};

	return cmocka_run_group_tests(tests, open_diag, close_diag);
}
