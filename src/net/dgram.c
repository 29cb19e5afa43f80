#include "net/dgram.h"

#include <poll.h>
#include <string.h>
#include <sys/uio.h>

#include "base/fail.h"

enum { DISCARD_MAX = 1 << 20 };	/* an end, whoever keeps sending */

/* Room for one address of either family, aligned for a cmsghdr. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

void
dgram_prepare(int fd, const struct addr *a)
{
	static const int on = 1;

	if (!addr_is_wildcard(a))
		return;
	if (a->sa.sa_family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on,
		    sizeof(on));
}

static void
read_control(struct msghdr *m, struct addr *to)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			to->in.sin_family = AF_INET;
			/* not ipi_addr, which may be a broadcast's */
			to->in.sin_addr = info.ipi_spec_dst;
			to->len = sizeof(to->in);
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
				continue;
			to->in6.sin6_family = AF_INET6;
			to->in6.sin6_addr = info.ipi6_addr;
			to->in6.sin6_scope_id = info.ipi6_ifindex;
			to->len = sizeof(to->in6);
		}
	}
}

ssize_t
dgram_receive(int fd, void *room, size_t length, struct addr *from,
    struct addr *to)
{
	struct iovec part = { room, length };
	union control control;
	struct msghdr m = {
		.msg_name = &from->sa, .msg_namelen = sizeof(from->un),
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t n;

	memset(from, 0, sizeof(*from));
	memset(to, 0, sizeof(*to));
	n = recvmsg(fd, &m, MSG_DONTWAIT);
	if (n < 0)
		return -1;
	from->len = m.msg_namelen;
	read_control(&m, to);
	return n;
}

/* Puts the source address into m's control room. */
static void
write_control(struct msghdr *m, union control *control, const struct addr *a)
{
	struct cmsghdr *c;

	memset(control, 0, sizeof(*control));
	m->msg_control = control;
	if (a->sa.sa_family == AF_INET) {
		struct in_pktinfo info = { .ipi_spec_dst = a->in.sin_addr };

		m->msg_controllen = CMSG_SPACE(sizeof(info));
		c = CMSG_FIRSTHDR(m);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	} else {
		struct in6_pktinfo info = {
			.ipi6_addr = a->in6.sin6_addr,
			.ipi6_ifindex = a->in6.sin6_scope_id,
		};

		m->msg_controllen = CMSG_SPACE(sizeof(info));
		c = CMSG_FIRSTHDR(m);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	}
}

ssize_t
dgram_send(int fd, const void *data, size_t length, const struct addr *to,
    const struct addr *from)
{
	struct iovec part = { (void *)(uintptr_t)data, length };
	union control control;
	struct msghdr m = {
		.msg_name = (void *)(uintptr_t)&to->sa, .msg_namelen = to->len,
		.msg_iov = &part, .msg_iovlen = 1,
	};

	if (from->len)
		write_control(&m, &control, from);
	return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* All nodes of the link that an IPv6 socket is bound to, or -1: it is not. */
static int
link_nodes(int fd, struct addr *a)
{
	static const struct in6_addr all = {
		{ { 0xff, 2, [15] = 1 } }
	};
	int device = 0;
	socklen_t size = sizeof(device);

	if (a->sa.sa_family != AF_INET6 || getsockopt(fd, SOL_SOCKET,
	    SO_BINDTOIFINDEX, &device, &size) < 0 || !device)
		return -1;
	a->in6.sin6_addr = all;
	a->in6.sin6_scope_id = (uint32_t)device;
	return 0;
}

/*
 * A connected socket takes from its peer only, so that must be one that
 * nobody can send from, and that routes wherever the socket could be bound:
 * itself, and only its group can have that port; of a wildcard the loopback
 * address. A wildcard of one interface has none there in IPv6, but a
 * multicast address, which is no packet's source (RFC 4291, 2.7).
 */
int
dgram_part(int fd, const struct addr *bound)
{
	struct addr a = *bound;

	if (connect(fd, &a.sa, a.len) == 0 || (link_nodes(fd, &a) == 0 &&
	    connect(fd, &a.sa, a.len) == 0))
		return 0;
	return fail("connect");
}

int
dgram_discard(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int count = 0;

	while (count < DISCARD_MAX && poll(&p, 1, 0) > 0 &&
	    p.revents & POLLIN)
		count += recv(fd, NULL, 0, MSG_DONTWAIT | MSG_TRUNC) >= 0;
	return count;
}
