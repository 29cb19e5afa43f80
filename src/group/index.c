/*
 * How it works (LEAVE, discovery 3). The kernel shows nobody a member's
 * index. So a program is attached that sends one flow to index k, and all
 * others on to the hash; then a SYN of that flow is sent to ourselves. Its
 * TTL is 1, and our socket takes nothing below 2: if k is ours, the packet
 * is dropped and counted. If it is not, another member holds a half-open
 * connection, which never reaches its accept queue, as the client here drops
 * the answer (it takes nothing below 255); a second SYN of the same flow
 * resets it at once.
 */
#include "group/index.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/fail.h"
#include "group/steer.h"
#include "net/listener.h"
#include "net/sock.h"

enum { STATE_SYN_RECV = 3 };	/* TCP_SYN_RECV, which clashes elsewhere */

static int
time_to_live(int fd, int family, int ttl)
{
	return family == AF_INET6 ?
	    sock_set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl) :
	    sock_set_int(fd, IPPROTO_IP, IP_TTL, ttl);
}

/* Where this host reaches the socket: loopback for a wildcard. */
static struct addr
own_target(const struct addr *bound)
{
	struct addr a = *bound;

	if (!addr_is_wildcard(bound))
		return a;
	if (a.sa.sa_family == AF_INET)
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a.in6.sin6_addr = in6addr_loopback;
	return a;
}

/* A client socket on from (port 0: any, and filled in), or -1. */
static int
client_open(struct addr *from)
{
	int fd = socket(from->sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, &from->sa, from->len) == 0 &&
	    getsockname(fd, &from->sa, &from->len) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The same flow again: the half-open connection of the first is reset. */
static void
clear_stray(struct addr *from, const struct addr *to)
{
	int fd = client_open(from);

	if (fd < 0)
		return;
	(void)!connect(fd, &to->sa, to->len);
	close(fd);
}

/* Sends the SYN to index k: 1 it is ours, 0 it is not, -1 not known. */
static int
try_index(int fd, const struct addr *to, int k, struct diag *diag)
{
	struct addr from = *to;
	struct diag_sock end;
	int client, ours = -1;
	uint32_t drops;

	addr_set_port(&from, 0);
	client = client_open(&from);
	if (client < 0)
		return fail("index");
	if (time_to_live(client, to->sa.sa_family, 1) < 0 ||
	    listener_gate(client, to->sa.sa_family, 255) < 0 ||
	    steer_one_flow(fd, &from, k) < 0)
		goto close;
	drops = listener_drops(fd);
	if (connect(client, &to->sa, to->len) < 0 && errno != EINPROGRESS) {
		fail("index");
		goto close;
	}
	/* neither: one with a full queue has dropped it, but not ours */
	ours = listener_drops(fd) != drops;
	if (diag_get(diag, IPPROTO_TCP, to, &from, &end) > 0 &&
	    end.state == STATE_SYN_RECV)
		ours = 0;
close:
	close(client);
	if (ours == 0)
		clear_stray(&from, to);
	return ours;
}

int
index_find(int fd, const struct addr *bound, int n, int guess,
    struct diag *diag)
{
	struct addr to = own_target(bound);
	int family = bound->sa.sa_family, index = -1;

	if (listener_gate(fd, family, 2) < 0)
		return -1;
	for (int i = 0; i < n && index < 0; i++) {
		int k = (guess + i) % n;
		int result = try_index(fd, &to, k, diag);

		if (result < 0)
			break;
		if (result > 0)
			index = k;
	}
	listener_gate(fd, family, 0);
	return index;
}
