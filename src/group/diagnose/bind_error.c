/*
 * Explains why bind(2) fails. How it works. EADDRINUSE has a cause among the
 * sockets of the port: one that has our address and device and does not share
 * them. Listening sockets are searched first, then bound sockets, then
 * connections from this port, then those in TIME_WAIT. Within a kind, a cause
 * that is certain and that only the other side can remove comes first, because
 * "-r joins it" is right only if nothing else is in the way.
 */
#include "group/diagnose/bind_error.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "group/diagnose/bind_error_unix.h"
#include "group/diagnose/port_sockets.h"
#include "kernel/proc.h"

enum {
	PEEK_MAX = 256,			/* sockets whose options are read */
	STATE_SYN_RECV_NEW = 12,	/* TCP_NEW_SYN_RECV: holds no port */
	FIRST_FREE_PORT = 1024,		/* unless the kernel says otherwise */
};

enum kind { LISTENS, BOUND, CONNECTED, LINGERS, KINDS };

enum cause { OTHER_USER, NOT_SHARED, UNKNOWN, SHARED, NONE };

struct claim {
	const struct diag_sock *sock;
	enum kind kind;
	enum cause cause;
	int count;		/* sockets of that kind in the way */
};

static enum kind
kind_of(const struct diag_sock *s)
{
	if (port_socket_listens(s))
		return LISTENS;
	if (s->state == TCP_CLOSE)
		return BOUND;
	return s->state == TCP_TIME_WAIT || !s->inode ? LINGERS : CONNECTED;
}

/* Why a socket that overlaps ours keeps us out; NONE: it does not. */
static enum cause
cause_of(struct port_sockets *p, const struct diag_sock *s, bool reuseport)
{
	int shares;

	/* sockets that do not listen admit SO_REUSEADDR, which we set */
	if (!p->datagram && !port_socket_listens(s) && s->inode &&
	    port_socket_reuseaddr(p, s) == 1)
		return NONE;
	if (kind_of(s) == LINGERS)
		return NOT_SHARED;
	if (s->uid != geteuid())
		return OTHER_USER;
	shares = port_socket_reuseport(p, s);
	if (shares > 0)
		return reuseport ? NONE : SHARED;
	return shares < 0 ? UNKNOWN : NOT_SHARED;
}

static struct claim
cause_find(struct port_sockets *p, const struct diag_sock *ours, enum kind kind,
    bool reuseport)
{
	struct claim best = { .kind = kind, .cause = NONE };
	int left = PEEK_MAX;

	for (int i = 0; i < p->count && left; i++) {
		const struct diag_sock *s = &p->list[i];
		enum cause cause;

		if (kind_of(s) != kind || s->state == STATE_SYN_RECV_NEW ||
		    s->state == TCP_SYN_RECV || on_other_device(s, ours) ||
		    relation_of(s, ours) == APART)
			continue;
		left--;
		cause = cause_of(p, s, reuseport);
		best.count += cause != NONE;
		if (cause < best.cause) {
			best.cause = cause;
			best.sock = s;
		}
	}
	return best;
}

static const char *
how_related(const struct diag_sock *theirs, const struct diag_sock *ours)
{
	switch (relation_of(theirs, ours)) {
	case COVERS:
		return ", which covers it";
	case COVERED:
		return ", which this would cover";
	case SAME:
		if (theirs->local.sa.sa_family != ours->local.sa.sa_family)
			return ", which covers it";
		break;
	case APART:
		break;
	}
	return "";
}

/* Whether the other socket is rpnc's: then its -r is missing. */
static bool
is_rpnc(struct port_sockets *p, const struct diag_sock *s)
{
	struct owner o;

	return port_socket_owner(p, s, &o) > 0 &&
	    strcmp(o.command, "rpnc") == 0;
}

/* head: the process and its address; the reason and the remedy follow it. */
static void
explain_cause(struct port_sockets *p, const struct claim *c, bool reuseport,
    const char *head)
{
	char user[PORT_SOCKET_TEXT];

	switch (c->cause) {
	case OTHER_USER:
		if (reuseport)
			fail_add("%s, and only sockets of one user share a "
			    "port: be user %s, or take another port", head,
			    user_text(c->sock->uid, user));
		else
			fail_add("%s: take another port", head);
		break;
	case NOT_SHARED:
		fail_add("%s, without SO_REUSEPORT, which all need to share a "
		    "port", head);
		if (is_rpnc(p, c->sock))
			fail_advise(ADVICE_RESTART_SHARED);
		else
			fail_add("restart it with that, or take another port");
		break;
	case UNKNOWN:
		fail_add(reuseport ? "%s, perhaps without SO_REUSEPORT, which "
		    "all need to share a port" : "%s", head);
		if (!reuseport)
			fail_advise(ADVICE_JOIN_IF);
		break;
	case SHARED:
		fail_add("%s, with SO_REUSEPORT", head);
		fail_advise(ADVICE_JOIN);
		break;
	case NONE:
		break;
	}
}

static void
explain_socket(struct port_sockets *p, const struct claim *c,
    const struct diag_sock *ours, bool reuseport)
{
	char who[PORT_SOCKET_TEXT], where[PORT_SOCKET_TEXT],
	    head[3 * PORT_SOCKET_TEXT];

	snprintf(head, sizeof(head), "%s %s %s%s",
	    port_socket_text(p, c->sock, who),
	    c->kind == BOUND  ? "has bound, and does not listen on,"
		: p->datagram ? "receives on"
			      : "listens on",
	    port_socket_place(c->sock, where), how_related(c->sock, ours));
	explain_cause(p, c, reuseport, head);
}

static void
explain_connection(struct port_sockets *p, const struct claim *c)
{
	char who[PORT_SOCKET_TEXT], from[ADDR_TEXT], to[ADDR_TEXT];

	fail_add("%s uses this port for its connection from %s to %s%s: take "
		 "another port, or wait until it ends",
	    port_socket_text(p, c->sock, who), addr_text(&c->sock->local, from),
	    addr_text(&c->sock->remote, to),
	    p->datagram ? "" : ", without SO_REUSEADDR");
}

static void
explain_lingering(const struct claim *c)
{
	fail_add("%d connection%s from or to this port still close%s "
	    "(TIME_WAIT): wait for at most a minute, or take another port",
	    c->count, c->count == 1 ? "" : "s", c->count == 1 ? "s" : "");
}

static void
bind_error_in_use(const struct addr *a, const struct sock_options *o)
{
	struct diag_sock ours = port_socket_like(a, o->datagram, o->interface);
	struct claim c = { .cause = NONE };
	struct port_sockets p;

	if (!addr_port(a)) {
		fail_add("no port is free");
		return;
	}
	if (port_sockets_open(&p, o->datagram, addr_port(a), ~0u) < 0)
		return;
	for (int kind = 0; kind < KINDS && c.cause == NONE; kind++)
		c = cause_find(&p, &ours, (enum kind)kind, o->reuseport);
	if (c.cause == NONE)
		fail_add("its owner is gone, or can't be seen: try again");
	else if (c.kind == CONNECTED)
		explain_connection(&p, &c);
	else if (c.kind == LINGERS)
		explain_lingering(&c);
	else
		explain_socket(&p, &c, &ours, o->reuseport);
	port_sockets_close(&p);
}

static void
bind_error_forbidden(const struct addr *a)
{
	int first = proc_sys("/proc/sys/net/ipv4/ip_unprivileged_port_start",
	    FIRST_FREE_PORT);

	if (addr_port(a) < first)
		fail_add("ports below %d need root or "
		    "CAP_NET_BIND_SERVICE: take a higher one, or lower "
		    "net.ipv4.ip_unprivileged_port_start", first);
	else
		fail_add("a policy of this system forbids it (SELinux, or a "
		    "program of the cgroup)");
}

static void
bind_error_invalid(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET6 && !a->in6.sin6_scope_id &&
	    IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr))
		fail_add("a link-local address needs its interface, as in "
		    "fe80::1%%eth0");
}

void
bind_error_explain(const struct sock_set *failed, const struct sock_options *o)
{
	const struct addr *a = &failed->refused;
	int saved = errno;

	if (a->sa.sa_family == AF_UNIX && a->len)
		bind_error_explain_unix(a, failed->error);
	if (a->sa.sa_family == AF_INET || a->sa.sa_family == AF_INET6) {
		switch (failed->error) {
		case EADDRINUSE:
			bind_error_in_use(a, o);
			break;
		case EACCES:
		case EPERM:
			bind_error_forbidden(a);
			break;
		case EADDRNOTAVAIL:
			fail_add("no interface of this host has that address: "
			    "'ip address' lists those it has");
			break;
		case EINVAL:
			bind_error_invalid(a);
			break;
		}
	}
	errno = saved;
}
