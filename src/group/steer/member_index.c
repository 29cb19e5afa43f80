/*
 * Finds the index of a socket in its group, which the kernel does not report.
 * How it works. A program is attached that sends one flow to index k and leaves
 * all others to the hash. Then a SYN of that flow is sent to our own address.
 * Its TTL is 1, and our socket accepts 2 or more. If k is ours, the kernel
 * drops the packet and counts the drop. If k belongs to another member, that
 * gets a half-open connection. It never reaches the accept queue, because the
 * client here drops the answer (it accepts a TTL of 255 only), and a second SYN
 * of the same flow resets it at once.
 *
 * The order of a whole group is found without the help of its members, even of
 * stopped ones. Several SYNs at once go to index k. The listener of index k
 * then has as many more references (or drops, if its queue is full). Other
 * traffic changes these figures less, or the test is repeated with more SYNs. A
 * datagram socket has no half-open state: rpnc's have a filter that drops
 * datagrams with the registry's mark, and the kernel counts these drops.
 */
#include "group/steer/member_index.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "group/steer/bpf.h"
#include "net/accept_queue.h"
#include "net/sock.h"

enum {
	STATE_SYN_RECV = 3,	/* TCP_SYN_RECV: two headers define it */
	ORDER_MAX = 256,	/* the largest group that is ordered */
	FLOWS_FIRST = 8, FLOWS_MAX = 64,
	ORDER_TRIES = 3,
	NO_TRACE = -2,
	CLEAR_TRIES = 3,
	REPEATED_NS = 500 * 1000 * 1000,	/* half the time to a second
						   SYN-ACK */
};

static int
time_to_live(int fd, int family, int ttl)
{
	return family == AF_INET6 ?
	    sock_set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl) :
	    sock_set_int(fd, IPPROTO_IP, IP_TTL, ttl);
}

static bool
is_loopback_address(const struct sockaddr *a)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;

	return a->sa_family == AF_INET ?
	    ntohl(in->sin_addr.s_addr) == INADDR_LOOPBACK :
	    IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* Replaces a wildcard by an address of this host; -1: it has none. */
static int
own_address(struct addr *a)
{
	struct ifaddrs *all = NULL, *i;
	int family = a->sa.sa_family, result = -1;

	if (getifaddrs(&all) < 0)
		return -1;
	for (i = all; i; i = i->ifa_next) {
		const struct sockaddr *s = i->ifa_addr;

		if (!s || s->sa_family != family || !(i->ifa_flags & IFF_UP) ||
		    (result == 0 && !is_loopback_address(s)))
			continue;
		result = 0;
		if (family == AF_INET) {
			a->in.sin_addr = ((const struct sockaddr_in *)s)->
			    sin_addr;
			continue;
		}
		a->in6.sin6_addr = ((const struct sockaddr_in6 *)s)->sin6_addr;
		a->in6.sin6_scope_id = ((const struct sockaddr_in6 *)s)->
		    sin6_scope_id;
	}
	freeifaddrs(all);
	return result;
}

/* The address to reach the socket at; for a wildcard loopback, if possible. */
static struct addr
own_target(const struct addr *bound)
{
	struct addr a = *bound;

	if (addr_is_wildcard(bound))
		own_address(&a);
	return a;
}

bool
index_is_reachable(const struct addr *bound)
{
	struct addr a = *bound;

	return !addr_is_wildcard(bound) || own_address(&a) == 0;
}

/*
 * The address of a client of the target. On loopback it is one that no other
 * process uses, so that all its ports are free.
 */
static struct addr
client_address(const struct addr *to)
{
	struct addr from = *to;
	uint32_t number = 0;

	addr_set_port(&from, 0);
	if (to->sa.sa_family != AF_INET ||
	    ntohl(to->in.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET ||
	    getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0)
		return from;
	/* not the network's own address, nor its broadcast address */
	number = number % 0xfffffe + 1;
	from.in.sin_addr.s_addr = htonl((uint32_t)IN_LOOPBACKNET << 24 |
	    number);
	return from;
}

/* A client socket bound to from (port 0: any, and filled in), or -1. */
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

/* Makes a client socket drop what has the flag SYN, as a SYN-ACK has. */
static int
refuse_syn_ack(int fd)
{
	/* a filter sees a segment from its TCP header on: byte 13 has flags */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD + BPF_B + BPF_ABS, 13),
		BPF_JUMP(BPF_JMP + BPF_JSET + BPF_K, 2, 0, 1),
		BPF_STMT(BPF_RET + BPF_K, 0),
		BPF_STMT(BPF_RET + BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]), .filter = code,
	};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof(program));
}

/*
 * Sends a second SYN of the same flow, which resets the half-open connection of
 * the first. If there is none (net.ipv4.tcp_syncookies=2), the SYN is not that
 * of an ordinary client, because its socket drops the answer. Linux 6.18 lets
 * only privileged users filter TCP: others send the SYN only if there is one.
 *
 * More than 4 ms after the first, as on a busy machine, the second SYN is beyond
 * the window of 64 KiB. The kernel then keeps the half-open connection, and
 * answers with an ACK. The socket lets this in, and so resets the connection
 * (RFC 9293, 3.5.1).
 */
static void
send_second_syn(struct addr *from, const struct addr *to, bool is_open)
{
	int fd = client_open(from);

	if (fd < 0)
		return;
	if (refuse_syn_ack(fd) == 0 || is_open)
		(void)!connect(fd, &to->sa, to->len);
	close(fd);
}

static bool
is_half_open(struct sock_diag *diag, const struct addr *from,
    const struct addr *to)
{
	struct diag_sock end;

	return sock_diag_get(diag, IPPROTO_TCP, to, from, &end) > 0 &&
	    end.state == STATE_SYN_RECV;
}

/*
 * Ends the half-open connection of a flow whose SYN was sent at `sent`. If it
 * stayed, the kernel would send its SYN-ACK again a second later, to nobody, and
 * count the RST that comes back as a drop of the member. After such a second it
 * is gone, and another SYN would only make the next one.
 */
static void
clear_stray(struct addr *from, const struct addr *to, struct sock_diag *diag,
    int64_t sent)
{
	for (int i = 0; i < CLEAR_TRIES; i++) {
		bool is_open = is_half_open(diag, from, to);

		if (!is_open && (i || clock_ns() - sent > REPEATED_NS))
			return;
		send_second_syn(from, to, is_open);
	}
}

/* Sends the SYN to index k. 1: it is ours, 0: another's, -1: unknown. */
static int
try_index(int fd, const struct addr *to, int k, struct sock_diag *diag)
{
	struct addr from = client_address(to);
	int client, ours = -1;
	int64_t sent;
	uint32_t drops;

	client = client_open(&from);
	if (client < 0)
		return fail("index");
	if (time_to_live(client, to->sa.sa_family, 1) < 0 ||
	    listener_gate(client, 255) < 0 ||
	    bpf_flows(fd, &from, 1, k) < 0)
		goto close;
	drops = listener_drops(fd);
	sent = clock_ns();
	if (connect(client, &to->sa, to->len) < 0 && errno != EINPROGRESS) {
		fail("index");
		goto close;
	}
	/* neither: another member dropped it, because its queue is full */
	ours = listener_drops(fd) != drops;
	if (is_half_open(diag, &from, to))
		ours = 0;
close:
	close(client);
	if (ours == 0)
		clear_stray(&from, to, diag, sent);
	return ours;
}

int
index_find(int fd, const struct addr *bound, int n, int guess,
    struct sock_diag *diag)
{
	struct addr to = own_target(bound);
	int index = -1;

	if (listener_gate(fd, 2) < 0)
		return -1;
	for (int i = 0; i < n && index < 0; i++) {
		int k = (guess + i) % n;
		int result = try_index(fd, &to, k, diag);

		if (result < 0)
			break;
		if (result > 0)
			index = k;
	}
	listener_gate(fd, 0);
	return index;
}

/* The search for the order of a group. */
struct search {
	int fd, n;
	struct addr to;
	bool datagram;
	struct sock_diag *diag;
	const struct diag_sock *list;
	const uint32_t *mark;
};

/* Adds the drops of each socket; -1: the group has changed. */
static int
add_drops(const struct search *s, uint32_t *figures)
{
	struct diag_sock *now = NULL;
	int n = sock_diag_group_of(s->diag, &s->list[0], &now), found = 0;

	for (int i = 0; n == s->n && i < n; i++)
		for (int j = 0; j < n; j++)
			if (now[j].cookie == s->list[i].cookie) {
				figures[i] += (uint32_t)now[j].drops;
				found++;
			}
	free(now);
	return found == s->n ? 0 : -1;
}

static int
references_read(const struct search *s, uint32_t *figures)
{
	uint64_t inodes[ORDER_MAX];
	int references[ORDER_MAX] = { 0 };

	for (int i = 0; i < s->n; i++)
		inodes[i] = s->list[i].inode;
	if (!s->datagram && listener_references(s->to.sa.sa_family, inodes,
	    s->n, references) < 0)
		return -1;
	for (int i = 0; i < s->n; i++)
		figures[i] = (uint32_t)references[i];
	return add_drops(s, figures);
}

/* Makes half-open connections; clear_stray() ends them. */
static int
send_syns(const struct search *s, int k, struct addr *from, int count)
{
	int fds[FLOWS_MAX], opened = 0, sent = 0;
	struct addr own = client_address(&s->to);

	for (; opened < count; opened++) {
		from[opened] = own;
		fds[opened] = client_open(&from[opened]);
		if (fds[opened] < 0 || listener_gate(fds[opened], 255) < 0)
			break;
	}
	if (opened == count && bpf_flows(s->fd, from, count, k) == 0)
		for (; sent < count; sent++)
			(void)!connect(fds[sent], &s->to.sa, s->to.len);
	for (int i = 0; i < count && i <= opened; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return sent == count ? 0 : fail("index");
}

static int
send_datagrams(const struct search *s, int k, int count)
{
	struct addr from = { .len = sizeof(from.un) };
	int fd = socket(s->to.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0), sent = 0;

	if (fd >= 0 && connect(fd, &s->to.sa, s->to.len) == 0 &&
	    getsockname(fd, &from.sa, &from.len) == 0 &&
	    bpf_flows(s->fd, &from, 1, k) == 0)
		for (; sent < count; sent++)
			(void)!send(fd, s->mark, 4 * sizeof(*s->mark), 0);
	if (fd >= 0)
		close(fd);
	return sent == count ? 0 : fail("index");
}

/* The one socket whose figure rose by about count; -1: several did. */
static int
risen(const struct search *s, const uint32_t *before, const uint32_t *after,
    int count)
{
	int best = -1, most = 0, next = 0;

	for (int i = 0; i < s->n; i++) {
		int rise = (int)(after[i] - before[i]);

		if (rise > most) {
			next = most;
			most = rise;
			best = i;
		} else if (rise > next) {
			next = rise;
		}
	}
	return most >= count * 3 / 4 && next <= count / 4 ? best : -1;
}

/* Whether no queue has the SYN and no socket dropped it: no trace. */
static bool
leaves_nothing(const struct search *s, const struct addr *from,
    const uint32_t *before, const uint32_t *after)
{
	struct diag_sock end;

	for (int i = 0; i < s->n; i++)
		if (after[i] != before[i])
			return false;
	return !s->datagram && sock_diag_get(s->diag, IPPROTO_TCP, &s->to, from,
	    &end) <= 0;
}

/*
 * The place in the list of the socket with index k; -1: unknown, or NO_TRACE.
 */
static int
member_index_find(const struct search *s, int k)
{
	uint32_t before[ORDER_MAX], after[ORDER_MAX];
	struct addr from[FLOWS_MAX];
	int found = -1;
	int64_t sent;

	for (int count = FLOWS_FIRST; found < 0 && count <= FLOWS_MAX;
	    count *= 2) {
		sent = clock_ns();
		if (references_read(s, before) < 0 || (s->datagram ?
		    send_datagrams(s, k, count) :
		    send_syns(s, k, from, count)) < 0)
			return -1;
		if (references_read(s, after) < 0)
			memset(after, 0xff, sizeof(after));	/* try again */
		else
			found = risen(s, before, after, count);
		if (found < 0 && leaves_nothing(s, &from[0], before, after)) {
			fail_as(STATUS_NETWORK, "the kernel keeps no half-open "
			    "connections (net.ipv4.tcp_syncookies)");
			return NO_TRACE;
		}
		for (int i = 0; !s->datagram && i < count; i++)
			clear_stray(&from[i], &s->to, s->diag, sent);
	}
	return found;
}

int
index_order(int fd, const struct addr *bound, struct sock_diag *diag,
    struct diag_sock *list, int n, const uint32_t mark[4])
{
	struct search s = {
		.fd = fd, .n = n, .to = own_target(bound), .diag = diag,
		.datagram = n > 0 && list[0].protocol == IPPROTO_UDP,
		.list = list, .mark = mark,
	};
	struct diag_sock ordered[ORDER_MAX];
	bool seen[ORDER_MAX];
	int k = 0;

	if (n > ORDER_MAX)
		return fail_as(STATUS_NETWORK, "a group of %d: too many to "
		    "find their order", n);
	for (int try = 0; try < ORDER_TRIES && k < n; try++) {
		memset(seen, 0, sizeof(seen));
		for (k = 0; k < n; k++) {
			int i = member_index_find(&s, k);

			if (i == NO_TRACE)
				return -1;
			if (i < 0 || seen[i])
				break;
			seen[i] = true;
			ordered[k] = list[i];
		}
	}
	if (k < n)
		return fail_as(STATUS_NETWORK, "the order of the group can't "
		    "be found out");
	memcpy(list, ordered, (size_t)n * sizeof(*list));
	return 0;
}

int
index_hide(int fd, const uint32_t mark[4])
{
	/* a filter sees a datagram from its UDP header on */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD + BPF_W + BPF_LEN, 0),
		BPF_JUMP(BPF_JMP + BPF_JEQ + BPF_K, 8 + 16, 0, 9),
		BPF_STMT(BPF_LD + BPF_W + BPF_ABS, 8),
		BPF_JUMP(BPF_JMP + BPF_JEQ + BPF_K, ntohl(mark[0]), 0, 7),
		BPF_STMT(BPF_LD + BPF_W + BPF_ABS, 12),
		BPF_JUMP(BPF_JMP + BPF_JEQ + BPF_K, ntohl(mark[1]), 0, 5),
		BPF_STMT(BPF_LD + BPF_W + BPF_ABS, 16),
		BPF_JUMP(BPF_JMP + BPF_JEQ + BPF_K, ntohl(mark[2]), 0, 3),
		BPF_STMT(BPF_LD + BPF_W + BPF_ABS, 20),
		BPF_JUMP(BPF_JMP + BPF_JEQ + BPF_K, ntohl(mark[3]), 0, 1),
		BPF_STMT(BPF_RET + BPF_K, 0),
		BPF_STMT(BPF_RET + BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]), .filter = code,
	};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof(program)) == 0)
		return 0;
	return fail("filter");
}
