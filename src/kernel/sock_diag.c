/*
 * Lists and looks up the kernel's sockets.
 *
 * How it works. Every question is one request and its answers, read to their
 * end before anything else happens: a dump that is left half-read makes the
 * next request fail with EBUSY. Answers are collected first and handed out
 * afterwards. So if the kernel calls a dump interrupted, it is repeated before
 * the caller has seen any of it.
 *
 * A look-up of TCP puts the socket's own address in idiag_src. One of UDP wants
 * it in idiag_dst ("swapped for historical reasons", udp_diag.c).
 *
 * ENOENT means either "no such socket" or "no such module". So the first ENOENT
 * of a protocol is followed by a dump that matches nothing: it fails only if
 * the module is missing.
 *
 * Order, as measured on 6.18: a group is listed newest first on IPv4 and oldest
 * first on IPv6, by listen() for TCP and by bind() for UDP. Once a member has
 * left, this is no longer the group's index order.
 */
#include "kernel/sock_diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "kernel/netlink.h"
#include "kernel/sock_diag_attributes.h"

enum {
	BUFFER = 32768,		/* the most that the kernel dumps at once */
	MAX_ERRNO = 4095,	/* include/linux/err.h */
	TRIES = 4,		/* for a dump that changed under its reader */
	LOOPBACK = 1,		/* lo's ifindex in every network namespace */
};

struct sock_diag {
	struct mnl_socket *nl;
	uint32_t seq;
	bool proven[IPPROTO_MAX];	/* protocols that the kernel can list */
	_Alignas(struct nlmsghdr) char buffer[BUFFER];
};

/* Answers as they come in. */
struct socks {
	struct diag_sock *at;
	int count, room;
	uint8_t protocol;
	uint16_t sport;		/* only this port; 0: any */
	bool interrupted, lost;
};

static bool
is_mapped(const struct addr *a)
{
	return a->sa.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr);
}

/* Copies the address in the form that finds IPv4 and mapped IPv6 sockets. */
static void
id_put(__be32 host[4], __be16 *port, const struct addr *a)
{
	if (a->sa.sa_family == AF_INET) {
		host[0] = a->in.sin_addr.s_addr;
		*port = a->in.sin_port;
		return;
	}
	memcpy(host, &a->in6.sin6_addr, sizeof(a->in6.sin6_addr));
	if (is_mapped(a))
		host[0] = host[3];
	*port = a->in6.sin6_port;
}

static void
id_take(struct addr *a, int family, const __be32 host[4], __be16 port,
    uint32_t ifindex)
{
	*a = (struct addr){ 0 };
	if (family == AF_INET) {
		a->len = sizeof(a->in);
		a->in.sin_family = AF_INET;
		a->in.sin_port = port;
		a->in.sin_addr.s_addr = host[0];
		return;
	}
	a->len = sizeof(a->in6);
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = port;
	memcpy(&a->in6.sin6_addr, host, sizeof(a->in6.sin6_addr));
	if (IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr))
		a->in6.sin6_scope_id = ifindex;
}

static int
family_of(const struct addr *a)
{
	return is_mapped(a) ? AF_INET : a->sa.sa_family;
}

static uint32_t
scope_of(const struct addr *a)
{
	if (a->sa.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr))
		return 0;
	return a->in6.sin6_scope_id;
}

static void
sock_take(struct diag_sock *s, int protocol, const struct nlmsghdr *h)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);
	const struct inet_diag_sockid *id = &m->id;

	*s = (struct diag_sock){
		.protocol = protocol,
		.state = m->idiag_state,
		.v6only = -1,
		.ifindex = id->idiag_if,
		.uid = m->idiag_uid,
		.inode = m->idiag_inode,
		.cookie = (uint64_t)id->idiag_cookie[1] << 32 |
		    id->idiag_cookie[0],
		.rqueue = m->idiag_rqueue,
		.wqueue = m->idiag_wqueue,
	};
	id_take(&s->local, m->idiag_family, id->idiag_src, id->idiag_sport,
	    id->idiag_if);
	id_take(&s->remote, m->idiag_family, id->idiag_dst, id->idiag_dport,
	    id->idiag_if);
	sock_diag_attributes(h, sizeof(*m), s);
}

static int
socks_grow(struct socks *socks)
{
	int room = socks->room ? 2 * socks->room : 16;
	struct diag_sock *at;

	at = realloc(socks->at, room * sizeof(*at));
	if (at == NULL)
		return -1;
	socks->at = at;
	socks->room = room;
	return 0;
}

static void
socks_add(struct socks *socks, const struct nlmsghdr *h)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return;
	if (socks->sport && socks->sport != ntohs(m->id.idiag_sport))
		return;
	if (socks->count == socks->room && socks_grow(socks) < 0) {
		socks->lost = true;
		return;
	}
	sock_take(&socks->at[socks->count++], socks->protocol, h);
}

/* The last message has an error, or 0. Returns 1, or -1. */
static int
answer_end(const struct nlmsghdr *h)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(h) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(h), sizeof(error));
	if (error == 0)
		return 1;
	errno = error < 0 && error >= -MAX_ERRNO ? -error : EBADMSG;
	return -1;
}

/* Returns 1 at the end of the answers, 0 before it, -1 for an error. */
static int
answer_take(struct sock_diag *d, const struct nlmsghdr *h, struct socks *socks)
{
	if (h->nlmsg_seq != d->seq)
		return 0;
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		socks->interrupted = true;
	if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
		return answer_end(h);
	if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY)
		socks_add(socks, h);
	return h->nlmsg_flags & NLM_F_MULTI ? 0 : 1;
}

static int
sock_diag_answer_batch(struct sock_diag *d, struct socks *socks)
{
	const struct nlmsghdr *h = (const void *)d->buffer;
	ssize_t got;
	int left, end = 0;

	got = mnl_socket_recvfrom(d->nl, d->buffer, BUFFER);
	if (got < 0)
		return errno == EINTR ? 0 : -1;
	left = (int)netlink_whole(d->buffer, (size_t)got);
	if (!left) {
		errno = EBADMSG;
		return -1;
	}
	for (; end == 0 && mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
		end = answer_take(d, h, socks);
	return end;
}

static int
sock_diag_answers(struct sock_diag *d, struct socks *socks)
{
	int end;

	do
		end = sock_diag_answer_batch(d, socks);
	while (end == 0);
	if (end > 0 && socks->lost) {
		errno = ENOMEM;
		return -1;
	}
	return end;
}

/* Sends the request and reads all answers; -1: see errno. */
static int
sock_diag_ask(struct sock_diag *d, const struct inet_diag_req_v2 *req,
    int flags, struct socks *socks)
{
	char room[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(*req))]
	    __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);
	void *body = mnl_nlmsg_put_extra_header(h, sizeof(*req));

	h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++d->seq;
	memcpy(body, req, sizeof(*req));
	if (mnl_socket_sendto(d->nl, h, h->nlmsg_len) < 0)
		return -1;
	return sock_diag_answers(d, socks);
}

static struct inet_diag_req_v2
sock_diag_request(int protocol, int family, unsigned states)
{
	return (struct inet_diag_req_v2){
		.sdiag_family = family,
		.sdiag_protocol = protocol,
		.idiag_states = states,
		.id.idiag_cookie = {
			INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE,
		},
	};
}

static int
dump_family(struct sock_diag *d, int family, unsigned states,
    struct socks *socks)
{
	struct inet_diag_req_v2 req = sock_diag_request(socks->protocol, family,
	    states);

	req.idiag_ext = 1 << (INET_DIAG_INFO - 1) |
	    1 << (INET_DIAG_SKMEMINFO - 1);
	req.id.idiag_sport = htons(socks->sport);
	return sock_diag_ask(d, &req, NLM_F_DUMP, socks);
}

static int
dump_failed(int protocol)
{
	const char *name = protocol == IPPROTO_UDP ? "udp" : "tcp";

	if (errno != ENOENT)
		return fail("sock_diag: list sockets");
	return fail_as(STATUS_NETWORK, "sock_diag: this kernel does not list "
	    "%s sockets (no module %s_diag)", name, name);
}

/* Collects both families; if they change meanwhile, again: TRIES in all. */
static int
sock_diag_dump_all(struct sock_diag *d, unsigned states, struct socks *socks)
{
	for (int i = 0; i < TRIES; i++) {
		socks->count = 0;
		socks->interrupted = false;
		if (dump_family(d, AF_INET, states, socks) < 0 ||
		    dump_family(d, AF_INET6, states, socks) < 0)
			return dump_failed(socks->protocol);
		if (!socks->interrupted)
			break;
	}
	d->proven[socks->protocol] = true;
	return socks->count;
}

/* Tells "no such socket" from "no such module". Returns 0, or -1. */
static int
not_found(struct sock_diag *d, int protocol)
{
	struct socks none = { .protocol = protocol };
	int result;

	if (d->proven[protocol])
		return 0;
	result = sock_diag_dump_all(d, 0, &none);
	free(none.at);
	return result < 0 ? -1 : 0;
}

static unsigned
listening_states(int protocol)
{
	return 1 << (protocol == IPPROTO_UDP ? TCP_CLOSE : TCP_LISTEN);
}

static bool
same_group(const struct diag_sock *a, const struct diag_sock *b)
{
	return addr_equal(&a->local, &b->local) && a->ifindex == b->ifindex &&
	    a->v6only == b->v6only;
}

/* Keeps the members of like's group; v6only -2: as the first one has it. */
static int
group_keep(struct diag_sock *at, int count, struct diag_sock like)
{
	int kept = 0;

	for (int i = 0; i < count; i++) {
		if (like.v6only == -2 && addr_equal(&at[i].local, &like.local)
		    && at[i].ifindex == like.ifindex)
			like.v6only = at[i].v6only;
		if (same_group(&at[i], &like))
			at[kept++] = at[i];
	}
	return kept;
}

struct sock_diag *
sock_diag_open(void)
{
	struct sock_diag *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		fail("sock_diag");
		return NULL;
	}
	d->nl = netlink_open();
	if (d->nl == NULL) {
		fail("sock_diag: open");
		free(d);
		return NULL;
	}
	return d;
}

void
sock_diag_close(struct sock_diag *d)
{
	if (d == NULL)
		return;
	mnl_socket_close(d->nl);
	free(d);
}

int
sock_diag_get(struct sock_diag *d, int protocol, const struct addr *local,
    const struct addr *remote, struct diag_sock *out)
{
	struct inet_diag_req_v2 req = sock_diag_request(protocol,
	    family_of(local), ~0u);
	struct inet_diag_sockid *id = &req.id;
	struct socks found = { .protocol = protocol };
	const struct addr *src = local, *dst = remote;
	int got;

	if (protocol == IPPROTO_UDP) {
		src = remote;
		dst = local;
	}
	id_put(id->idiag_src, &id->idiag_sport, src);
	id_put(id->idiag_dst, &id->idiag_dport, dst);
	id->idiag_if = scope_of(local) ? scope_of(local) : LOOPBACK;
	got = sock_diag_ask(d, &req, 0, &found);
	if (got > 0 && found.count > 0)
		*out = found.at[0];
	free(found.at);
	if (got >= 0)
		return found.count > 0;
	return errno == ENOENT ? not_found(d, protocol) :
	    fail("sock_diag: look up a socket");
}

int
sock_diag_dump(struct sock_diag *d, int protocol, unsigned states,
    uint16_t sport, int (*each)(const struct diag_sock *, void *), void *arg)
{
	struct socks all = { .protocol = protocol, .sport = sport };
	int given = -1;

	if (sock_diag_dump_all(d, states, &all) < 0)
		goto free;
	for (given = 0; given < all.count;)
		if (each(&all.at[given++], arg) != 0)
			break;
free:
	free(all.at);
	return given;
}

int
sock_diag_group_of(struct sock_diag *d, const struct diag_sock *member,
    struct diag_sock **list)
{
	struct socks all = {
		.protocol = member->protocol,
		.sport = addr_port(&member->local),
	};

	*list = NULL;
	if (sock_diag_dump_all(d, listening_states(all.protocol), &all) < 0) {
		free(all.at);
		return -1;
	}
	*list = all.at;
	return group_keep(all.at, all.count, *member);
}

int
sock_diag_group_with(struct sock_diag *d, int protocol, uint16_t port,
    uint64_t inode, struct diag_sock **list)
{
	struct socks all = { .protocol = (uint8_t)protocol, .sport = port };

	*list = NULL;
	if (sock_diag_dump_all(d, listening_states(protocol), &all) < 0) {
		free(all.at);
		return -1;
	}
	*list = all.at;
	for (int i = 0; i < all.count; i++)
		if (all.at[i].inode == inode)
			return group_keep(all.at, all.count, all.at[i]);
	return 0;
}

int
sock_diag_group(struct sock_diag *d, int protocol, const struct addr *bound,
    struct diag_sock **list)
{
	struct diag_sock like = {
		.protocol = protocol,
		.local = *bound,
		.ifindex = scope_of(bound),
		.v6only = -2,
	};

	return sock_diag_group_of(d, &like, list);
}
