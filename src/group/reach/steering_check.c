/*
 * How it works: sock_diag(7) says which listener the hash gives a source port
 * to, and a program is not asked for that. So a few ports are found for each
 * listener, and a connection is begun from each. TCP_DEFER_ACCEPT on the client
 * holds back the last packet of the handshake for some 200 ms (tcp(7); kernel
 * 6.1 net/ipv4/tcp_input.c, tcp_rcv_synsent_state_process()). Meanwhile the
 * listener that has a half-open connection is the one that was chosen. A reset
 * then takes the connection back.
 *
 * Other clients have half-open connections, too. If several listeners have one,
 * nothing is learned, and the next port is tried. /proc/net/tcp tells which one
 * has it. Reading that takes up to 50 ms if this host has few connections, and
 * if no other listener follows these there: the kernel looks through all of its
 * table for one more line (net/ipv4/tcp_ipv4.c, tcp_seq_next()). A wrong
 * listener is looked for twice. If the packet may have been sent already, the
 * end is an ordinary one, because a process may have accepted, and a reset would
 * be an error there.
 */
#include "group/reach/steering_check.h"

#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "group/reach/port_group.h"
#include "group/reach/port_search.h"
#include "kernel/sock_diag.h"
#include "net/accept_queue.h"
#include "net/sock.h"

enum {
	EACH_LEAST = 2, MOST = 1024,
	TRIES = 3,			/* for each connection that is wanted */
	CONNECT_MS = 50,
	HELD_NS = 150 * 1000 * 1000,	/* the packet is held for longer */
};

/* The sockets of the group. */
struct checked {
	struct sock_diag *diag;
	int family, count;
	uint64_t *inodes;
	int *own;			/* references of each while it is idle */
	struct addr target;
	int64_t deadline;		/* clock_ns() */
	int stop_fd;			/* a signal has come: readable */
};

/* The address that a client connects to: for the wildcard, the loopback. */
static struct addr
address_of_client(const struct addr *bound)
{
	struct addr a = *bound;

	if (addr_is_wildcard(bound) && bound->sa.sa_family == AF_INET)
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (addr_is_wildcard(bound))
		a.in6.sin6_addr = in6addr_loopback;
	return a;
}

int
steering_check_each(int sockets)
{
	int n;

	if (sockets < 2 || sockets > MOST)
		return 0;
	n = (int)ceil(log(1e6) / (sockets * log(sockets)));
	if (n < EACH_LEAST)
		n = EACH_LEAST;
	return n * sockets > MOST ? MOST / sockets : n;
}

static int
checked_fill(struct checked *g, const struct diag_sock *list, int count)
{
	g->inodes = calloc((size_t)count, sizeof(*g->inodes));
	g->own = calloc((size_t)count, sizeof(*g->own));
	if (!g->inodes || !g->own)
		return -1;
	g->family = list[0].local.sa.sa_family;
	g->count = count;
	for (int i = 0; i < count; i++) {
		g->inodes[i] = list[i].inode;
		g->own[i] = list[i].mptcp ? 2 : 1;
	}
	return 0;
}

/* Begins a connection from ours; -1: it can't be. */
static int
half_connect(const struct checked *g, const struct addr *ours,
    const char *interface)
{
	struct pollfd p = { .events = POLLOUT };

	p.fd = socket(g->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p.fd < 0)
		return -1;
	sock_set_int(p.fd, SOL_SOCKET, SO_REUSEADDR, 1);
	sock_set_int(p.fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
	if (sock_device(p.fd, interface) == 0 &&
	    bind(p.fd, &ours->sa, ours->len) == 0 &&
	    (sock_connect(p.fd, &g->target) == 0 || errno == EINPROGRESS) &&
	    poll(&p, 1, CONNECT_MS) == 1 && p.revents == POLLOUT)
		return p.fd;
	close(p.fd);
	return -1;
}

/* The listener that has the half-open connection from ours; 0: not known. */
static uint64_t
half_open_at(const struct checked *g, const struct addr *ours)
{
	int one = listener_half_open(g->family, g->inodes, g->own, g->count);
	struct diag_sock s;

	if (one < 0 || sock_diag_get(g->diag, IPPROTO_TCP, &g->target, ours,
	    &s) <= 0 || s.state != TCP_SYN_RECV)
		return 0;
	return g->inodes[one];
}

static void
half_close(int fd, int64_t begun)
{
	const struct linger reset = { .l_onoff = 1 };

	if (clock_ns() < begun + HELD_NS)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
}

/* 1: another listener than wanted got it; 0: that one; -1: not known. */
static int
check_one(const struct checked *g, const struct addr *ours, uint64_t wanted,
    const char *interface)
{
	int64_t begun = clock_ns();
	int fd = half_connect(g, ours, interface);
	uint64_t seen = fd < 0 ? 0 : half_open_at(g, ours);

	if (seen && seen != wanted && half_open_at(g, ours) != seen)
		seen = 0;
	if (fd >= 0)
		half_close(fd, begun);
	return seen ? seen != wanted : -1;
}

static bool
checked_is_over(const struct checked *g)
{
	struct pollfd p = { .fd = g->stop_fd, .events = POLLIN };

	return clock_ns() >= g->deadline || poll(&p, 1, 0) > 0;
}

static int
check_all(const struct checked *g, struct port_search *search,
    struct addr *ours, const char *interface)
{
	int left = search->plan->at[0].left > 0 ? TRIES * g->count *
	    (int)search->plan->at[0].left : 0;
	uint64_t inode;

	while (port_plan_wanted(search->plan) && left-- &&
	    !checked_is_over(g)) {
		int wrong;

		port_search_begin(search);
		if (port_search_next(search, ours, &inode) <= 0)
			break;
		wrong = check_one(g, ours, inode, interface);
		if (wrong > 0)
			return 1;
		if (wrong == 0)
			port_plan_take(search->plan, inode);
	}
	return port_plan_wanted(search->plan) ? -1 : 0;
}

static int
check_sockets(struct checked *g, struct addr *ours, const char *interface)
{
	struct port_search search;
	struct port_plan plan = { .sockets = g->count };
	int each = steering_check_each(g->count), found = -1, failed = 0;

	port_search_init(&search);
	search.diag = g->diag;
	search.protocol = IPPROTO_TCP;
	search.target = g->target;
	search.plan = &plan;
	for (int i = 0; each && i < g->count; i++)
		failed |= port_plan_add(&plan, g->inodes[i], each);
	if (each && !failed)
		found = check_all(g, &search, ours, interface);
	port_plan_free(&plan);
	return found;
}

int
steering_check(struct sock_diag *diag, const struct addr *address,
    const char *interface, int64_t deadline, int stop_fd)
{
	struct checked g = {
		.diag = diag, .target = address_of_client(address),
		.deadline = deadline, .stop_fd = stop_fd,
	};
	struct diag_sock *list = NULL;
	struct addr ours;
	int count, found = -1;

	port_group_source(&g.target, interface, &ours);
	count = port_group_list(diag, IPPROTO_TCP, &g.target, &ours, &list);
	/* another group may have the traffic of that address */
	if (count > 1 && addr_equal(&list[0].local, address) &&
	    checked_fill(&g, list, count) == 0)
		found = check_sockets(&g, &ours, interface);
	free(g.inodes);
	free(g.own);
	free(list);
	return found;
}
