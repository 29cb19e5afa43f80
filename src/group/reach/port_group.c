/*
 * Finds which member accepts from each socket of a group. How it works. The
 * registry knows that of rpnc's members. Of others /proc tells which processes
 * hold a socket:
 *
 *	one				that one accepts
 *	a parent and one child		the child: see sock_acceptor.h
 *	several, of which one has the	that one: nginx's workers inherit all
 *	socket in an epoll		sockets of `listen ... reuseport`, and
 *					each accepts from one
 *	several				not known
 */
#include "group/reach/port_group.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/fail.h"
#include "base/num.h"
#include "group/members.h"
#include "group/registry/spare_request.h"
#include "group/steer/reconcile.h"
#include "kernel/epoll_watched.h"
#include "kernel/sock_acceptor.h"
#include "net/sock.h"

enum {
	HOLDERS_MAX = 256, WORKER_MAX = 1 << 20,
	SHOWN = 6,			/* members in a fault */
	SOCKET_TEXT = 128,
};

void
port_group_source(const struct addr *target, const char *interface,
    struct addr *source)
{
	int fd = socket(target->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	source->len = 0;
	if (fd < 0)
		return;
	/* connect(2) of a datagram socket finds the address, sends nothing */
	if (sock_device(fd, interface) == 0 &&
	    connect(fd, &target->sa, target->len) == 0) {
		source->len = sizeof(source->un);
		if (getsockname(fd, &source->sa, &source->len) < 0)
			source->len = 0;
	}
	close(fd);
	if (source->len)
		addr_set_port(source, 0);
}

int
port_group_list(struct sock_diag *diag, int protocol, const struct addr *target,
    const struct addr *client, struct diag_sock **list)
{
	struct addr from = *client;
	struct diag_sock winner;
	int found;

	*list = NULL;
	if (!from.len)
		return 0;
	addr_set_port(&from, 1);
	found = sock_diag_get(diag, protocol, target, &from, &winner);
	if (found <= 0)
		return found;
	if (protocol == IPPROTO_TCP && winner.state != TCP_LISTEN)
		return 0;
	return sock_diag_group_of(diag, &winner, list);
}

/* "A/1" is worker 1 of A. */
static void
name_split(struct port_group_socket *s)
{
	char *slash = strchr(s->name, '/');
	int64_t worker;

	s->worker = -1;
	if (!slash || num_parse(slash + 1, 0, WORKER_MAX, &worker) < 0)
		return;
	s->worker = (int)worker;
	*slash = '\0';
}

/* Whether the registry knows the socket. */
static bool
socket_of_member(struct port_group_socket *s, struct sockinfo *info,
    struct registry *r)
{
	int slot = r ? registry_find_socket(r, s->inode, NULL) : -1;

	s->weight = r ? mode_weight(r, slot) : 1;
	if (slot < 0)
		return false;
	s->pid = member_pid(info, registry_slot(r, slot));
	slot_name(registry_slot(r, slot), s->name);
	name_split(s);
	return true;
}

/* The inodes of the sockets in a group, with one that marks each. */
struct watched {
	uint64_t *inodes;
	bool *marks;
};

/* A process that has sockets of the group in an epoll accepts from these. */
static void
take_watched(struct port_group *g, pid_t pid, struct watched *w)
{
	epoll_watched(pid, w->inodes, g->count, w->marks);
	for (int i = 0; i < g->count; i++) {
		struct port_group_socket *s = &g->at[i];

		if (!w->marks[i] || !s->shared || s->pid == pid)
			continue;
		if (s->pid)
			s->pid = -1;
		else
			s->pid = pid;
	}
}

/* Finds by the epolls of its holders which one accepts from each socket. */
static void
socket_by_epoll(struct port_group *g, struct owners *o,
    const struct port_group_socket *s, struct watched *w)
{
	pid_t pids[HOLDERS_MAX];
	int n = owners_holders(o, s->inode, pids, HOLDERS_MAX);

	for (int i = 0; i < n && i < HOLDERS_MAX; i++)
		take_watched(g, pids[i], w);
}

/* Of several holders, those that are left after the epolls are looked at. */
static void
sockets_by_epoll(struct port_group *g, struct owners *o)
{
	struct watched w = {
		.inodes = calloc((size_t)g->count, sizeof(*w.inodes)),
		.marks = calloc((size_t)g->count, sizeof(*w.marks)),
	};

	for (int i = 0; w.inodes && i < g->count; i++)
		w.inodes[i] = g->at[i].inode;
	/* processes that share one socket share the others, too */
	for (int i = 0; w.inodes && w.marks && i < g->count; i++)
		if (g->at[i].shared && !g->at[i].pid)
			socket_by_epoll(g, o, &g->at[i], &w);
	free(w.inodes);
	free(w.marks);
	for (int i = 0; i < g->count; i++) {
		struct port_group_socket *s = &g->at[i];

		if (s->pid > 0)
			s->shared = false;
		else
			s->pid = 0;
	}
}

static void
sockets_fill(struct port_group *g, struct sockinfo *info, struct registry *r)
{
	bool shared = false;

	for (int i = 0; i < g->count; i++) {
		struct port_group_socket *s = &g->at[i];
		struct sock_acceptor a;

		if (!socket_of_member(s, info, r)) {
			sock_acceptor_find(info->owners, s->inode, &a);
			s->pid = a.pid;
			s->shared = a.servers > 1;
			shared |= s->shared;
		}
		if (s->pid)
			owner_command(s->pid, s->command);
	}
	if (shared)
		sockets_by_epoll(g, info->owners);
	for (int i = 0; i < g->count; i++)
		if (g->at[i].pid && !g->at[i].command[0])
			owner_command(g->at[i].pid, g->at[i].command);
}

/* Whether members steer, or one is spared, for longer than a leave takes. */
static bool
is_steered_for_long(struct registry *r)
{
	if (mode_of(&registry_shared(r)->steering) != STEER_HASH ||
	    request_any(r))
		return true;
	for (int i = 0; i < REGISTRY_SLOTS; i++)
		if (registry_slot(r, i)->state == STATE_FULL &&
		    registry_is_member(r, i))
			return true;
	return false;
}

static bool
has_program(struct registry *r)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(r, i);

		for (int j = 0; j < REGISTRY_SOCKETS; j++)
			if (s->programs[j] && registry_is_member(r, i))
				return true;
	}
	return false;
}

bool
port_group_is_steered(struct registry *r)
{
	return is_steered_for_long(r) || has_program(r);
}

bool
port_group_is_leaving(struct registry *r)
{
	return registry_is_leaving(r) && !is_steered_for_long(r);
}

const char *
port_group_why_steered(const struct port_group *g)
{
	if (!g->steered)
		return NULL;
	return g->leaving ? "a member is leaving" :
	    "a program steers the group";
}

const char *
port_group_why_wrong(struct registry *r, bool changed, bool *steered)
{
	bool leaving = r && port_group_is_leaving(r);

	*steered = !changed && !leaving;
	return changed ? "members came or went" : leaving ?
	    "a member is leaving" : "a program seems to steer the group";
}

bool
port_group_has_changed(const struct port_group *g, struct sock_diag *diag,
    int protocol, const struct addr *target)
{
	struct diag_sock *list;
	int count = port_group_list(diag, protocol, target, &g->source, &list);
	int found = 0;

	for (int i = 0; i < count; i++)
		for (int j = 0; j < g->count; j++)
			found += list[i].inode == g->at[j].inode;
	free(list);
	return count >= 0 && (count != g->count || found != count);
}

int
port_group_find(struct port_group *g, struct sockinfo *info, struct registry *r,
    int protocol, const struct addr *target, const struct addr *source,
    const char *interface)
{
	struct diag_sock *list;
	int count;

	*g = (struct port_group){ .source = *source };
	if (!g->source.len)
		port_group_source(target, interface, &g->source);
	if (!info->diag || !info->owners)
		return fail("sock_diag");
	count = port_group_list(info->diag, protocol, target, &g->source,
	    &list);
	g->at = count > 0 ? calloc((size_t)count, sizeof(*g->at)) : NULL;
	for (int i = 0; g->at && i < count; i++) {
		struct port_group_socket *s = &g->at[g->count++];

		s->inode = list[i].inode;
		s->uid = list[i].uid;
		s->worker = -1;
	}
	free(list);
	if (count > 0 && !g->at)
		return fail("sock_diag");
	if (g->at)
		sockets_fill(g, info, r);
	g->steered = r && port_group_is_steered(r);
	g->leaving = g->steered && port_group_is_leaving(r);
	return count < 0 ? -1 : g->count;
}

void
port_group_free(struct port_group *g)
{
	free(g->at);
	g->at = NULL;
	g->count = 0;
}

/*
 * The parent of a worker; 0: a process that runs another command, as a shell
 * does, is not meant.
 */
static pid_t
worker_parent(pid_t pid)
{
	char command[16 + 1], above[16 + 1];
	pid_t parent = owner_parent(pid);

	owner_command(pid, command);
	owner_command(parent, above);
	return strcmp(command, above) == 0 ? parent : 0;
}

bool
port_group_is_chosen(const struct port_group_socket *s,
    const struct member_choice *c)
{
	return s->pid > 0 && member_choice_is(c, s->name, s->pid,
	    worker_parent(s->pid), s->worker);
}

bool
port_group_is_sharer(const struct member_choice *c, pid_t pid)
{
	return member_choice_is(c, "", pid, worker_parent(pid), -1);
}

bool
port_group_is_hidden(const struct port_group *g)
{
	for (int i = 0; i < g->count; i++)
		if (!g->at[i].pid && !g->at[i].shared)
			return true;
	return false;
}

int
port_group_tries(const struct port_group *g, const struct port_plan *p,
    bool each)
{
	int64_t part = 0, whole = 0;

	for (int i = 0; i < g->count; i++) {
		uint32_t weight = g->at[i].weight;

		whole += weight;
		if (!weight || !port_plan_wants(p, g->at[i].inode))
			continue;
		if (!each)
			part += weight;
		else if (!part || weight < part)
			part = weight;
	}
	return port_plan_tries(part, whole);
}

int
port_group_sharers(const struct port_group *g, struct owners *o,
    const struct member_choice *c, bool *chosen)
{
	pid_t pids[HOLDERS_MAX];
	int most = 0;

	*chosen = false;
	for (int i = 0; i < g->count; i++) {
		const struct port_group_socket *s = &g->at[i];
		int n = s->shared ? owners_holders(o, s->inode, pids,
		    HOLDERS_MAX) : 0;

		most = n > most ? n : most;
		for (int j = 0; j < n && j < HOLDERS_MAX; j++)
			*chosen |= port_group_is_sharer(c, pids[j]);
	}
	return most;
}

/* "A/2 (pid 4102)", "nginx (pid 4103)" */
static const char *
socket_text(const struct port_group_socket *s, char text[static SOCKET_TEXT])
{
	char safe[sizeof(s->command) * ESCAPE_MAX + 1], worker[16] = "";

	escape(s->command, strlen(s->command), false, safe);
	if (s->name[0] && s->worker >= 0)
		snprintf(worker, sizeof(worker), "/%d", s->worker);
	snprintf(text, SOCKET_TEXT, "%s%s (pid %d)", s->name[0] ? s->name :
	    safe, worker, (int)s->pid);
	return text;
}

/* Adds to the fault that the processes of some sockets can't be seen. */
static void
fail_add_hidden(const struct port_group *g)
{
	char text[OWNER_HIDDEN_TEXT];

	for (int i = 0; i < g->count; i++) {
		const struct port_group_socket *s = &g->at[i];

		if (s->pid || s->shared)
			continue;
		fail_add("%s", owner_hidden_text(s->uid, text));
		return;
	}
}

int
port_group_fail_absent(const struct port_group *g, const struct addr *target,
    const char *text)
{
	char at[ADDR_TEXT], list[SHOWN * SOCKET_TEXT + 40] = "";
	char who[SOCKET_TEXT];
	size_t used = 0;
	int shown = 0, unknown = 0, shared = 0;

	for (int i = 0; i < g->count; i++) {
		const struct port_group_socket *s = &g->at[i];

		unknown += !s->pid;
		shared += !s->pid && s->shared;
		if (!s->pid || shown == SHOWN)
			continue;
		used += (size_t)snprintf(list + used, sizeof(list) - used,
		    "%s%s", shown++ ? ", " : "", socket_text(s, who));
	}
	fail_as(STATUS_NETWORK, "no socket at %s is %.40s's", addr_text(target,
	    at), text);
	if (shown)
		fail_add("there %s %s%s", g->count == 1 ? "is" : "are", list,
		    shown + unknown < g->count ? " and more" : "");
	if (shared)
		fail_add("several processes share %d socket%s", shared,
		    plural((uint64_t)shared));
	fail_add_hidden(g);
	return -1;
}
