/*
 * Receives datagrams in batches (recvmmsg(2)) and sends their replies in
 * batches (sendmmsg(2)).
 *
 *	a datagram	is then
 *	received whole	kept in the batch
 *	too large	dropped, and counted in `cut`
 *	its reply sent	counted in bytes
 *	refused		sent again alone, if it was joined with others; else
 *			dropped, and counted in `unsent`
 *
 * The kernel may join received datagrams of one size (UDP_GRO); replies of one
 * size to one peer are joined again (UDP_SEGMENT).
 */
#include "net/udp_batch.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "net/sockopt.h"

/* Limits of joined replies: udp(7), UDP_SEGMENT. */
enum {
	JOIN_PIECES = 64,
	JOIN_PIECE = 1400,	/* fits into a packet of most links */
	JOIN_TOTAL = 65000,
};

enum {
	UDP_ROOM = 65536,
	/*
	 * A Unix datagram is limited by the sender's buffer and by
	 * kmalloc(), which gives at most 4 MiB for the linear part
	 * (kernel net/unix/af_unix.c; net/core/sock.c,
	 * sock_alloc_send_pskb()).
	 */
	UNIX_ROOM = (4096 + 128) * 1024,
	TOTAL_ROOM = 64 * 1024 * 1024,	/* unused pages cost no memory */
};

/*
 * Room for the ancillary data of a datagram, aligned for a cmsghdr. A service
 * manager may have turned on more of it than we read, and time stamps come first.
 */
union control {
	struct cmsghdr header;
	char room[512];
};

/* A batch, and the headers for the kernel. */
struct batch {
	struct udp_batch dgrams;
	struct mmsghdr message[DGRAM_BATCH];
	struct iovec part[DGRAM_BATCH];
	union control control[DGRAM_BATCH];
	size_t room;			/* for each */
	bool local;			/* Unix datagrams */
	char data[];
};

/* Replies that are sent as one message. */
struct run {
	const struct dgram *first;
	int count;
};

static void
read_control(struct msghdr *m, struct dgram *d)
{
	struct addr *to = &d->to;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			to->in.sin_family = AF_INET;
			/* not ipi_addr, which may be a broadcast address */
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
		} else if (c->cmsg_level == IPPROTO_UDP &&
		    c->cmsg_type == UDP_GRO) {
			int piece;

			memcpy(&piece, CMSG_DATA(c), sizeof(piece));
			d->piece = (size_t)piece;
		}
	}
}

/* Readies the first n headers for receiving. */
static void
batch_clear(struct batch *b, int n)
{
	for (int i = 0; i < n; i++) {
		struct dgram *d = &b->dgrams.at[i];

		memset(&d->from, 0, sizeof(d->from));
		memset(&d->to, 0, sizeof(d->to));
		d->data = b->data + (size_t)i * b->room;
		b->part[i] = (struct iovec){ d->data, b->room };
		b->message[i].msg_hdr = (struct msghdr){
			.msg_name = &d->from.sa,
			.msg_namelen = sizeof(d->from.un),
			.msg_iov = &b->part[i], .msg_iovlen = 1,
			/* a Unix peer may send descriptors: unread they close */
			.msg_control = b->local ? NULL : &b->control[i],
			.msg_controllen = b->local ? 0 : sizeof(b->control[i]),
		};
	}
}

/* Raises the send buffer as far as allowed, for large replies. */
static void
udp_batch_enlarge(int fd)
{
	int scratch = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (scratch < 0)
		return;
	sock_set_int(scratch, SOL_SOCKET, SO_SNDBUF, TOTAL_ROOM);
	/* wmem_max may be below wmem_default (socket(7)) */
	if (sock_get_int(scratch, SOL_SOCKET, SO_SNDBUF, 0) >
	    sock_get_int(fd, SOL_SOCKET, SO_SNDBUF, 0))
		sock_set_int(fd, SOL_SOCKET, SO_SNDBUF, TOTAL_ROOM);
	close(scratch);
}

static size_t
room_for(int fd)
{
	if (sock_get_int(fd, SOL_SOCKET, SO_DOMAIN, AF_INET) != AF_UNIX)
		return UDP_ROOM;
	udp_batch_enlarge(fd);
	return UNIX_ROOM;
}

struct udp_batch *
udp_batch_new(int fd)
{
	size_t room = room_for(fd), most = TOTAL_ROOM / room;
	struct batch *b;

	most = most < 1 ? 1 : most > DGRAM_BATCH ? DGRAM_BATCH : most;
	b = calloc(1, sizeof(*b) + most * room);
	if (!b) {
		fail("buffer");
		return NULL;
	}
	b->room = room;
	b->local = room == UNIX_ROOM;
	b->dgrams.most = (int)most;
	b->dgrams.cut.verb = "received whole";
	batch_clear(b, (int)most);
	return &b->dgrams;
}

/* Keeps the i-th datagram received, unless a part of it is lost. */
static void
udp_batch_take(struct batch *b, int i)
{
	struct udp_batch *all = &b->dgrams;
	struct dgram *d = &all->at[all->count], it = all->at[i];
	struct msghdr *m = &b->message[i].msg_hdr;

	all->used = i + 1;
	it.from.len = m->msg_namelen;
	addr_trim(&it.from);
	if (m->msg_flags & MSG_TRUNC) {
		losses_count(&all->cut, &it.from, b->message[i].msg_len,
		    EMSGSIZE);
		return;
	}
	it.length = it.piece = b->message[i].msg_len;
	read_control(m, &it);
	*d = it;
	all->count++;
}

int
udp_batch_receive(struct udp_batch *all, int fd, int most)
{
	struct batch *b = container_of(all, struct batch, dgrams);
	int n;

	batch_clear(b, all->used);
	if (most > all->most)
		most = all->most;
	n = recvmmsg(fd, b->message, (unsigned)most, MSG_DONTWAIT |
	    MSG_TRUNC, NULL);
	all->count = all->used = 0;
	for (int i = 0; i < n; i++)
		udp_batch_take(b, i);
	return n;
}

bool
udp_batch_losses_due(struct udp_batch *all)
{
	return losses_due(&all->cut) || losses_due(&all->unsent);
}

bool
udp_batch_losses_rest(struct udp_batch *all)
{
	return losses_rest(&all->cut) || losses_rest(&all->unsent);
}

size_t
dgram_pieces(const struct dgram *d)
{
	return d->length ? (d->length + d->piece - 1) / d->piece : 1;
}

const char *
dgram_piece(const struct dgram *d, size_t i, size_t *length)
{
	size_t start = i * d->piece;

	*length = d->length - start < d->piece ? d->length - start : d->piece;
	return d->data + start;
}

/* Appends a header to m's control, which is all zero. */
static void
add_control(struct msghdr *m, union control *control, int level, int type,
    const void *data, size_t length)
{
	struct cmsghdr *c = (struct cmsghdr *)(control->room +
	    m->msg_controllen);

	m->msg_control = control;
	m->msg_controllen += CMSG_SPACE(length);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(length);
	memcpy(CMSG_DATA(c), data, length);
}

/* Puts the source address, if known, into m's control. */
static void
write_source(struct msghdr *m, union control *control, const struct addr *a)
{
	struct in_pktinfo info = { .ipi_spec_dst = a->in.sin_addr };
	struct in6_pktinfo info6 = {
		.ipi6_addr = a->in6.sin6_addr,
		.ipi6_ifindex = a->in6.sin6_scope_id,
	};

	if (a->len && a->sa.sa_family == AF_INET)
		add_control(m, control, IPPROTO_IP, IP_PKTINFO, &info,
		    sizeof(info));
	else if (a->len)
		add_control(m, control, IPPROTO_IPV6, IPV6_PKTINFO, &info6,
		    sizeof(info6));
}

ssize_t
dgram_send(int fd, const void *data, size_t length, const struct addr *to,
    const struct addr *from)
{
	struct iovec part = { (void *)(uintptr_t)data, length };
	union control control = { .room = "" };
	struct msghdr m = {
		.msg_name = (void *)(uintptr_t)&to->sa, .msg_namelen = to->len,
		.msg_iov = &part, .msg_iovlen = 1,
	};

	write_source(&m, &control, from);
	return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Sends the pieces of d one by one; returns the bytes sent. */
static size_t
send_pieces(struct losses *unsent, int fd, const struct dgram *d)
{
	size_t sent = 0, pieces = dgram_pieces(d);

	for (size_t i = 0; i < pieces; i++) {
		size_t length;
		const char *data = dgram_piece(d, i, &length);
		ssize_t n = dgram_send(fd, data, length, &d->from, &d->to);

		sent += n > 0 ? (size_t)n : 0;
		if (n < 0)
			losses_count(unsent, &d->from, length, errno);
	}
	return sent;
}

static bool
same_address(const struct addr *a, const struct addr *b)
{
	return a->len == b->len && memcmp(&a->sa, &b->sa, a->len) == 0;
}

/*
 * Whether d can be joined to the replies from first on (UDP GSO): all have one
 * size, except that the last may be shorter.
 */
static bool
continues(const struct dgram *first, size_t total, const struct dgram *d)
{
	size_t piece = first->piece;

	return piece && piece <= JOIN_PIECE && total % piece == 0 &&
	    d->length && d->length <= piece && d->length == d->piece &&
	    total + d->length <= JOIN_TOTAL && total / piece < JOIN_PIECES &&
	    d->from.sa.sa_family != AF_UNIX &&
	    same_address(&d->from, &first->from) &&
	    same_address(&d->to, &first->to);
}

/* Makes the i-th message from the replies that are joined, from first on. */
static struct run
fill_run(struct batch *b, int i, int first)
{
	struct dgram *d = &b->dgrams.at[first];
	struct run run = { .first = d };
	struct msghdr *m = &b->message[i].msg_hdr;
	uint16_t piece = (uint16_t)d->piece;
	size_t total = 0;

	do {
		b->part[first++] = (struct iovec){ d->data, d->length };
		total += d->length;
		run.count++;
		d++;
	} while (first < b->dgrams.count && continues(run.first, total, d));
	*m = (struct msghdr){
		.msg_name = (void *)(uintptr_t)&run.first->from.sa,
		.msg_namelen = run.first->from.len,
		.msg_iov = &b->part[first - run.count],
		.msg_iovlen = (size_t)run.count,
	};
	memset(&b->control[i], 0, sizeof(b->control[i]));
	write_source(m, &b->control[i], &run.first->to);
	if (total > piece)
		add_control(m, &b->control[i], IPPROTO_UDP, UDP_SEGMENT,
		    &piece, sizeof(piece));
	return run;
}

/*
 * A refused reply is lost, like one lost in a network. But the kernel also
 * refuses joined replies that it would send one by one: if they are larger than
 * the link's packets, or if the link can't compute checksums.
 */
static size_t
send_again(struct losses *unsent, int fd, const struct run *run)
{
	size_t sent = 0;

	for (int i = 0; i < run->count; i++)
		sent += send_pieces(unsent, fd, run->first + i);
	return sent;
}

size_t
udp_batch_return(struct udp_batch *all, int fd)
{
	struct batch *b = container_of(all, struct batch, dgrams);
	struct run runs[DGRAM_BATCH];
	int n = 0, done = 0;
	size_t sent = 0;

	for (int i = 0; i < all->count; i += runs[n++].count) {
		while (i < all->count && !all->at[i].from.len)
			i++;
		if (i == all->count)
			break;
		runs[n] = fill_run(b, n, i);
	}
	while (done < n) {
		int went = sendmmsg(fd, b->message + done,
		    (unsigned)(n - done), MSG_DONTWAIT | MSG_NOSIGNAL);

		for (int i = 0; i < went; i++)
			sent += b->message[done + i].msg_len;
		if (went <= 0)
			sent += send_again(&all->unsent, fd, &runs[done]);
		done += went > 0 ? went : 1;
	}
	return sent;
}
