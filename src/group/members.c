#include "group/members.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

void
lookout_open(struct lookout *l)
{
	l->diag = diag_open();
	l->owners = owners_new();
}

void
lookout_close(struct lookout *l)
{
	if (l->diag)
		diag_close(l->diag);
	if (l->owners)
		owners_free(l->owners);
	l->diag = NULL;
	l->owners = NULL;
}

static struct member *
add(struct members *m)
{
	struct member *list = realloc(m->list,
	    (size_t)(m->count + 1) * sizeof(*list));

	if (!list)
		return NULL;
	m->list = list;
	list += m->count++;
	memset(list, 0, sizeof(*list));
	list->slot = list->process_state = -1;
	return list;
}

static int
add_slots(struct members *m, struct board *b)
{
	for (int i = 0; i < BOARD_SLOTS; i++) {
		const struct slot *s = board_slot(b, i);
		struct member *one;

		if (!board_is_member(b, i))
			continue;
		one = add(m);
		if (!one)
			return -1;
		one->slot = i;
		one->pid = s->pid;
		one->state = (enum slot_state)s->state;
		one->counters = s->counters;
		memcpy(one->name, s->name, sizeof(one->name));
		snprintf(one->command, sizeof(one->command), "rpnc");
		one->process_state = owner_state(s->pid);
	}
	return 0;
}

static bool
slot_has(const struct slot *s, uint64_t inode)
{
	for (int i = 0; i < BOARD_SOCKETS; i++)
		if (inode && s->inodes[i] == inode)
			return true;
	return false;
}

/* Whose socket it is: a slot's, a process's, or an unknown one's. */
static struct member *
member_of(struct lookout *l, struct members *m, struct board *b,
    const struct diag_sock *d)
{
	struct owner owner = { 0 };
	bool known = l->owners && owners_find(l->owners, d->inode, &owner) > 0;
	struct member *one;

	for (int i = 0; i < m->count; i++) {
		one = &m->list[i];
		if (one->slot >= 0 ? slot_has(board_slot(b, one->slot),
		    d->inode) || (known && one->pid == owner.pid) :
		    known && one->pid == owner.pid)
			return one;
	}
	one = add(m);
	if (!one || !known) {
		if (one)
			one->uid = d->uid;
		return one;
	}
	one->pid = owner.pid;
	one->uid = owner.uid;
	memcpy(one->command, owner.command, sizeof(one->command));
	one->process_state = owner_state(owner.pid);
	return one;
}

static int
add_sockets(struct lookout *l, struct members *m, struct board *b,
    int protocol, const struct addr *bound)
{
	struct diag_sock *list = NULL;
	int n = diag_group(l->diag, protocol, bound, &list);

	for (int i = 0; i < n; i++) {
		struct member *one = member_of(l, m, b, &list[i]);

		if (!one) {
			n = -1;
			break;
		}
		one->sockets++;
		one->queue += list[i].rqueue;
		one->limit += list[i].wqueue;
		one->drops += list[i].drops;
		if (!one->inode)
			one->inode = list[i].inode;
	}
	free(list);
	return n;
}

struct open_count {
	struct lookout *lookout;
	struct members *members;
};

static int
count_open(const struct diag_sock *d, void *arg)
{
	struct open_count *c = arg;
	struct owner owner;

	if (!d->inode || owners_find(c->lookout->owners, d->inode, &owner) <= 0)
		return 0;
	for (int i = 0; i < c->members->count; i++) {
		struct member *one = &c->members->list[i];

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
members_list(struct lookout *l, struct board *b, bool datagram,
    const struct sock_set *set, struct members *out)
{
	int protocol = datagram ? IPPROTO_UDP : IPPROTO_TCP;
	struct open_count counting = { l, out };

	*out = (struct members){ 0 };
	if (add_slots(out, b) < 0)
		goto memory;
	for (int i = 0; l->diag && i < set->count; i++)
		if (set->bound[i].sa.sa_family != AF_UNIX &&
		    add_sockets(l, out, b, protocol, &set->bound[i]) < 0)
			break;		/* the board's are known all the same */
	if (l->diag && l->owners && !datagram && has_foreign(out))
		diag_dump(l->diag, protocol, 1 << TCP_ESTABLISHED |
		    1 << TCP_CLOSE_WAIT | 1 << TCP_FIN_WAIT1 |
		    1 << TCP_FIN_WAIT2, addr_port(&set->bound[0]),
		    count_open, &counting);
	return out->count;
memory:
	free(out->list);
	return fail("members");
}
