/*
 * All sockets of a port, from sock_diag(7), and the rules by which two of them
 * meet: the same address, a wildcard, a device, one reuseport group. The owner,
 * a registry slot and socket options are looked up only if a caller asks for
 * them.
 */
#include "group/diagnose/port_sockets.h"

#include <net/if.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/fail.h"
#include "kernel/pidfd_sockopt.h"
#include "net/interface.h"

static int
port_sockets_add(const struct diag_sock *s, void *arg)
{
	struct port_sockets *p = arg;
	struct diag_sock *list;

	list = realloc(p->list, (size_t)(p->count + 1) * sizeof(*list));
	if (!list)
		return -1;
	p->list = list;
	list[p->count++] = *s;
	return 0;
}

int
port_sockets_open(struct port_sockets *p, bool datagram, uint16_t port,
    unsigned states)
{
	struct fault before;
	int result = -1;

	fail_save(&before);
	*p = (struct port_sockets){ .datagram = datagram };
	sockinfo_open(&p->sockinfo);
	if (p->sockinfo.diag && sock_diag_dump(p->sockinfo.diag,
	    datagram ? IPPROTO_UDP : IPPROTO_TCP, states, port,
	    port_sockets_add, p) >= 0)
		result = 0;
	else
		port_sockets_close(p);
	fail_restore(&before);
	return result;
}

void
port_sockets_close(struct port_sockets *p)
{
	sockinfo_close(&p->sockinfo);
	if (p->registry)
		registry_close(p->registry);
	free(p->list);
	*p = (struct port_sockets){ 0 };
}

/* The IPv4 address of a plain or mapped address; NULL: it is IPv6. */
static const void *
ipv4_of(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return &a->in.sin_addr;
	return IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr) ?
	    &a->in6.sin6_addr.s6_addr[12] : NULL;
}

static bool
is_any(const struct addr *a)
{
	static const struct in_addr any;
	const void *v4 = ipv4_of(a);

	return v4 ? memcmp(v4, &any, sizeof(any)) == 0 : addr_is_wildcard(a);
}

/* Whether any, a wildcard, includes a's address. */
static bool
any_takes(const struct diag_sock *any, const struct diag_sock *a)
{
	bool ipv4 = ipv4_of(&a->local) != NULL;

	if (!is_any(&any->local))
		return false;
	if (ipv4_of(&any->local))
		return ipv4 || (is_any(&a->local) && a->v6only == 0);
	return !ipv4 || any->v6only == 0;
}

enum relation
relation_of(const struct diag_sock *a, const struct diag_sock *b)
{
	const void *x = ipv4_of(&a->local), *y = ipv4_of(&b->local);
	bool a_takes = any_takes(a, b), b_takes = any_takes(b, a);

	if (a_takes || b_takes)
		return a_takes && b_takes ? SAME : a_takes ? COVERS : COVERED;
	if (x && y)
		return memcmp(x, y, sizeof(struct in_addr)) == 0 ? SAME :
		    APART;
	if (x || y)
		return APART;
	return memcmp(&a->local.in6.sin6_addr, &b->local.in6.sin6_addr,
	    sizeof(struct in6_addr)) == 0 ? SAME : APART;
}

bool
on_other_device(const struct diag_sock *a, const struct diag_sock *b)
{
	return a->ifindex && b->ifindex && a->ifindex != b->ifindex;
}

bool
in_one_group(const struct diag_sock *a, const struct diag_sock *b)
{
	return a->local.sa.sa_family == b->local.sa.sa_family &&
	    addr_port(&a->local) == addr_port(&b->local) &&
	    relation_of(a, b) == SAME && a->ifindex == b->ifindex &&
	    a->v6only == b->v6only;
}

bool
port_socket_is_first(const struct port_sockets *p, int at)
{
	for (int i = 0; i < at; i++)
		if (in_one_group(&p->list[i], &p->list[at]))
			return false;
	return true;
}

struct diag_sock
port_socket_like(const struct addr *a, bool datagram, const char *interface)
{
	bool v6 = a->sa.sa_family == AF_INET6;
	struct diag_sock s = {
		.local = *a, .v6only = v6 ? 1 : -1,
		.protocol = datagram ? IPPROTO_UDP : IPPROTO_TCP,
		.state = datagram ? TCP_CLOSE : TCP_LISTEN,
	};

	if (interface)
		s.ifindex = if_nametoindex(interface);
	else if (v6 && IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr))
		s.ifindex = a->in6.sin6_scope_id;
	return s;
}

bool
port_socket_listens(const struct diag_sock *s)
{
	return s->state == (s->protocol == IPPROTO_UDP ? TCP_CLOSE :
	    TCP_LISTEN);
}

/* Called only to name an owner, because opening a registry wakes members. */
static void
port_sockets_open_registry(struct port_sockets *p)
{
	struct fault before;

	if (p->registry_tried || !p->count)
		return;
	p->registry_tried = true;
	fail_save(&before);
	p->registry = registry_open_existing(p->datagram,
	    addr_port(&p->list[0].local));
	fail_restore(&before);
}

const struct slot *
port_socket_slot(struct port_sockets *p, const struct diag_sock *d)
{
	int slot;

	port_sockets_open_registry(p);
	slot = p->registry ? registry_find_socket(p->registry, d->inode,
	    NULL) : -1;
	return slot < 0 ? NULL : registry_slot(p->registry, slot);
}

int
port_socket_owner(struct port_sockets *p, const struct diag_sock *d,
    struct owner *out)
{
	return p->sockinfo.owners && d->inode ?
	    owners_find(p->sockinfo.owners, d->inode, out) : 0;
}

static int
port_socket_option(struct port_sockets *p, const struct diag_sock *d, int name)
{
	struct owner o;
	int value;

	if (port_socket_owner(p, d, &o) <= 0)
		return -1;
	value = pidfd_getsockopt(o.pid, o.fd, d->inode, SOL_SOCKET, name);
	return value > 0 ? 1 : value;
}

/* Whether a second socket listens on exactly the same address. */
static bool
has_twin(const struct port_sockets *p, const struct diag_sock *d)
{
	for (int i = 0; i < p->count; i++)
		if (p->list[i].cookie != d->cookie &&
		    port_socket_listens(&p->list[i]) &&
		    in_one_group(&p->list[i], d))
			return true;
	return false;
}

int
port_socket_reuseport(struct port_sockets *p, const struct diag_sock *d)
{
	int value = port_socket_option(p, d, SO_REUSEPORT);

	if (value < 0 && !p->datagram && port_socket_listens(d) &&
	    has_twin(p, d))
		return 1;
	return value;
}

int
port_socket_reuseaddr(struct port_sockets *p, const struct diag_sock *d)
{
	return port_socket_option(p, d, SO_REUSEADDR);
}

const char *
user_text(uid_t uid, char text[static PORT_SOCKET_TEXT])
{
	struct passwd *user = getpwuid(uid);

	if (user)
		snprintf(text, PORT_SOCKET_TEXT, "%.64s", user->pw_name);
	else
		snprintf(text, PORT_SOCKET_TEXT, "%u", (unsigned)uid);
	return text;
}

const char *
port_socket_text(struct port_sockets *p, const struct diag_sock *d,
    char text[static PORT_SOCKET_TEXT])
{
	const struct slot *slot = port_socket_slot(p, d);
	char safe[(sizeof((struct owner *)0)->command) * ESCAPE_MAX + 1];
	char user[PORT_SOCKET_TEXT];
	struct owner o;

	user_text(d->uid, user);
	if (slot) {
		slot_text(slot, text);
	} else if (port_socket_owner(p, d, &o) > 0) {
		escape(o.command, strlen(o.command), false, safe);
		snprintf(text, PORT_SOCKET_TEXT, "%s (pid %d, user %.64s)",
		    safe, (int)o.pid, user);
	} else {
		snprintf(
		    text, PORT_SOCKET_TEXT, "a process of user %.64s", user);
	}
	return text;
}

const char *
port_socket_place(const struct diag_sock *d, char text[static PORT_SOCKET_TEXT])
{
	char where[ADDR_TEXT], name[IF_NAMESIZE], device[IF_NAMESIZE + 16] = "";
	bool dual = d->v6only == 0 && addr_is_wildcard(&d->local);

	/* the text of a link-local address has its device */
	if (d->ifindex && !(d->local.sa.sa_family == AF_INET6 &&
	    d->local.in6.sin6_scope_id) && interface_name(d->ifindex, name))
		snprintf(device, sizeof(device), "by %s only", name);
	snprintf(text, PORT_SOCKET_TEXT, "%s%s%s%s%s%s",
	    addr_text(&d->local, where), dual || *device ? " (" : "",
	    dual ? "IPv4 too" : "", dual && *device ? ", " : "", device,
	    dual || *device ? ")" : "");
	return text;
}
