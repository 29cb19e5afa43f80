/*
 * Makes the list of a port's members from two sources: the slots of the
 * registry and the kernel's sockets. Each socket is counted to the member whose
 * slot or process has it. A socket without such a member is a foreign member,
 * unless it belongs to a process that is just dying or to a worker of ours that
 * is just starting.
 */
#include "group/members.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"

static struct port_member *
members_new(struct members *m)
{
	struct port_member *list = realloc(m->list,
	    (size_t)(m->count + 1) * sizeof(*list));

	if (!list)
		return NULL;
	m->list = list;
	list += m->count++;
	memset(list, 0, sizeof(*list));
	list->slot = list->process_state = -1;
	return list;
}

pid_t
member_pid(struct sockinfo *l, const struct slot *s)
{
	pid_t pid = slot_pid(s);
	struct owner owner;

	if (pid || !l->owners || !s->inodes[0] ||
	    owners_find(l->owners, s->inodes[0], &owner) <= 0)
		return pid;
	return owner.pid;
}

static int
add_slots(struct sockinfo *l, struct members *m, struct registry *r)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(r, i);
		struct port_member *one;

		if (!registry_is_member(r, i))
			continue;
		one = members_new(m);
		if (!one)
			return -1;
		one->slot = i;
		one->pid = member_pid(l, s);
		one->state = (enum slot_state)s->state;
		if (one->state > STATE_LEFT)
			one->state = STATE_RUNNING;
		one->counters = s->counters;
		slot_name(s, one->name);
		snprintf(one->command, sizeof(one->command), "rpnc");
		if (one->pid)
			one->process_state = owner_state(one->pid);
	}
	return 0;
}

static struct port_member *
member_by_slot(struct members *m, struct registry *r, uint64_t inode)
{
	for (int i = 0; i < m->count; i++)
		if (m->list[i].slot >= 0 &&
		    slot_socket(registry_slot(r, m->list[i].slot),
		    inode) >= 0)
			return &m->list[i];
	return NULL;
}

/*
 * The member with that pid. If the pid is unknown (0): a member without a
 * socket on this address, because the two sockets of a wildcard belong to one
 * member.
 */
static struct port_member *
member_by_pid(struct members *m, pid_t pid, int address)
{
	for (int i = 0; i < m->count; i++) {
		struct port_member *one = &m->list[i];

		if (one->pid == pid && (pid || (one->slot < 0 &&
		    one->sockets <= address)))
			return one;
	}
	return NULL;
}

/* Whether the socket belongs to a dead process, and is about to close. */
static bool
is_dying(struct registry *r, uint64_t inode)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++)
		if (registry_slot(r, i)->kind == SLOT_MEMBER &&
		    slot_socket(registry_slot(r, i), inode) >= 0 &&
		    !registry_alive(r, i))
			return true;
	return false;
}

/* A worker that has opened its socket but not yet taken its slot. */
static bool
is_own_worker(pid_t pid)
{
	return pid && owner_parent(pid) == getpid();
}

static struct port_member *
add_foreign(struct members *m, const struct diag_sock *d,
    const struct owner *owner)
{
	struct port_member *one = members_new(m);

	if (!one)
		return NULL;
	one->uid = d->uid;
	if (!owner->pid)
		return one;
	one->pid = owner->pid;
	one->uid = owner->uid;
	memcpy(one->command, owner->command, sizeof(one->command));
	one->process_state = owner_state(owner->pid);
	return one;
}

/*
 * Finds the member that has a socket, by its slot or its process, or adds a
 * foreign one. 0 and NULL: no member counts for it; -1: no memory.
 */
static int
member_of(struct sockinfo *l, struct members *m, struct registry *r,
    const struct diag_sock *d, int address, struct port_member **out)
{
	struct owner owner = { 0 };

	*out = member_by_slot(m, r, d->inode);
	if (*out)
		return 0;
	if ((!l->owners || owners_find(l->owners, d->inode, &owner) <= 0) &&
	    is_dying(r, d->inode))
		return 0;
	if (is_own_worker(owner.pid))
		return 0;
	*out = member_by_pid(m, owner.pid, address);
	if (!*out)
		*out = add_foreign(m, d, &owner);
	return *out ? 0 : -1;
}

static int
add_sockets(struct sockinfo *l, struct members *m, struct registry *r,
    int protocol, const struct sock_set *set, int address)
{
	const struct addr *bound = &set->bound[address];
	struct diag_sock *list = NULL;
	int n = sock_diag_group_with(l->diag, protocol, addr_port(bound),
	    sock_inode(set->fd[address]), &list);

	/* our socket no longer listens: this member has left */
	if (n == 0) {
		free(list);
		n = sock_diag_group(l->diag, protocol, bound, &list);
	}

	for (int i = 0; i < n; i++) {
		struct port_member *one;

		if (member_of(l, m, r, &list[i], address, &one) < 0) {
			n = -1;
			break;
		}
		if (!one)
			continue;
		one->sockets++;
		one->queue += list[i].rqueue;
		one->limit += list[i].wqueue;
		one->drops += registry_drops(r, list[i].inode, list[i].cookie,
		    list[i].drops);
		if (!one->inode)
			one->inode = list[i].inode;
	}
	free(list);
	return n;
}

struct open_count {
	struct sockinfo *sockinfo;
	struct members *members;
};

static int
count_open(const struct diag_sock *d, void *arg)
{
	struct open_count *c = arg;
	struct owner owner;

	if (!d->inode ||
	    owners_find(c->sockinfo->owners, d->inode, &owner) <= 0)
		return 0;
	for (int i = 0; i < c->members->count; i++) {
		struct port_member *one = &c->members->list[i];

		if (one->slot < 0 && one->pid == owner.pid)
			one->open++;
	}
	return 0;
}

static bool
has_foreign(const struct members *m)
{
	for (int i = 0; i < m->count; i++)
		if (m->list[i].slot < 0)
			return true;
	return false;
}

int
members_list(struct sockinfo *l, struct registry *r, bool datagram,
    const struct sock_set *set, struct members *out)
{
	int protocol = datagram ? IPPROTO_UDP : IPPROTO_TCP;
	struct open_count counting = { l, out };

	*out = (struct members){ 0 };
	if (add_slots(l, out, r) < 0)
		goto memory;
	for (int i = 0; l->diag && i < set->count; i++)
		if (set->bound[i].sa.sa_family != AF_UNIX &&
		    add_sockets(l, out, r, protocol, set, i) < 0)
			break;		/* the registry's are still known */
	if (l->diag && l->owners && !datagram && has_foreign(out))
		sock_diag_dump(l->diag, protocol, 1 << TCP_ESTABLISHED |
		    1 << TCP_CLOSE_WAIT | 1 << TCP_FIN_WAIT1 |
		    1 << TCP_FIN_WAIT2, addr_port(&set->bound[0]),
		    count_open, &counting);
	return out->count;
memory:
	free(out->list);
	return fail("members");
}
