#include "net/udp_options.h"

#include <linux/filter.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "net/multicast.h"
#include "net/sockopt.h"
#include "net/udp_batch.h"

enum {
	DISCARD_MAX = 1 << 20,		/* stop, even if peers keep sending */
	QUEUE_SIZE = 16 * 1024 * 1024,
};

void
udp_prepare(int fd, const struct addr *a)
{
	if (!addr_is_wildcard(a))
		return;
	if (a->sa.sa_family == AF_INET)
		sock_set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
	else
		sock_set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

void
udp_enlarge(int fd)
{
	/* it may exceed net.core.rmem_max, but needs CAP_NET_ADMIN */
	if (sock_set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, QUEUE_SIZE) < 0)
		sock_set_int(fd, SOL_SOCKET, SO_RCVBUF, QUEUE_SIZE);
}

/* IPv6 has no fragments made by routers: there it only prevents the EMSGSIZE. */
void
udp_let_fragment(int fd, const struct addr *a)
{
	if (a->sa.sa_family == AF_INET)
		sock_set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER,
		    IP_PMTUDISC_DONT);
	else
		sock_set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
		    IPV6_PMTUDISC_DONT);
}

void
udp_join(int fd)
{
	sock_set_int(fd, IPPROTO_UDP, UDP_GRO, 1);
}

/* From now on no datagram is queued. */
static int
drop_all(int fd)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { 1, &none };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof(program)) < 0 ? fail("filter") : 0;
}

/* The all-nodes address of an IPv6 socket's link; -1: it is bound to none. */
static int
link_local_nodes(int fd, struct addr *a)
{
	static const struct in6_addr all = {
		{ { 0xff, 2, [15] = 1 } }
	};
	int device = sock_get_int(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 0);

	if (a->sa.sa_family != AF_INET6 || !device)
		return -1;
	a->in6.sin6_addr = all;
	a->in6.sin6_scope_id = (uint32_t)device;
	return 0;
}

/*
 * A connected socket receives from its peer only. So the peer must be an
 * address that nobody can send from, and that is routable from the socket: the
 * socket's own address, because only its group can have that port; for a
 * wildcard, the loopback address. An IPv6 wildcard on one interface can't reach
 * loopback: there the peer is a multicast address, which is never a packet's
 * source (RFC 4291, 2.7). A socket of a multicast group
 * would still get the group's datagrams: there a filter drops them.
 */
int
udp_part(int fd, const struct addr *bound)
{
	struct addr a = *bound;

	if (multicast_is_group(bound))
		return drop_all(fd);
	if (connect(fd, &a.sa, a.len) == 0 || (link_local_nodes(fd, &a) == 0 &&
	    connect(fd, &a.sa, a.len) == 0))
		return 0;
	return fail("connect");
}

int
udp_discard(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct udp_batch *all = udp_batch_new(fd);
	int count = 0;

	while (all && count < DISCARD_MAX && poll(&p, 1, 0) > 0 &&
	    p.revents & POLLIN) {
		int n = udp_batch_receive(all, fd, DGRAM_BATCH);

		if (n < 0)
			break;
		count += n - all->count;
		for (int i = 0; i < all->count; i++)
			count += (int)dgram_pieces(&all->at[i]);
	}
	free(all);
	return count;
}
