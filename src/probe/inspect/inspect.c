/*
 * The groups of a port, without a packet. The sockets of the last snapshot are
 * grouped as the kernel groups them. /proc, the registry and earlier snapshots
 * add what they know. Sockets that are bound and don't listen belong to no
 * group; they are shown with the group of the same address.
 */
#include "probe/inspect/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "probe/inspect/inspect_group.h"

int
inspect_open(struct inspect *s)
{
	sockinfo_open(&s->sockinfo);
	return s->sockinfo.diag ? 0 : -1;
}

static void
inspect_groups_free(struct inspect *s)
{
	for (int i = 0; i < s->count; i++)
		inspect_group_free(&s->groups[i]);
	free(s->groups);
	s->groups = NULL;
	s->count = 0;
}

void
inspect_close(struct inspect *s)
{
	inspect_groups_free(s);
	for (int i = 0; i < s->taken; i++)
		snapshot_free(&s->snapshots[i]);
	s->taken = 0;
	sockinfo_close(&s->sockinfo);
}

int
inspect_snapshot(struct inspect *s)
{
	struct snapshot new;

	if (snapshot_take(&new, s->sockinfo.diag, s->datagram, s->port) < 0)
		return -1;
	if (s->taken == INSPECT_SNAPSHOTS) {
		snapshot_free(&s->snapshots[0]);
		memmove(s->snapshots, s->snapshots + 1,
		    (INSPECT_SNAPSHOTS - 1) * sizeof(s->snapshots[0]));
		s->taken--;
	}
	s->snapshots[s->taken++] = new;
	return 0;
}

bool
inspect_is_settled(const struct inspect *s)
{
	const struct port_sockets *now = &s->snapshots[s->taken - 1].listening;

	if (s->taken == INSPECT_SNAPSHOTS)
		return true;
	for (int i = 0; i < now->count; i++)
		if (now->list[i].rqueue)
			return false;
	return true;
}

static bool
inspect_wants(const struct inspect *s, const struct diag_sock *d)
{
	struct diag_sock host = port_socket_like(&s->host, s->datagram, NULL);

	if (s->family != AF_UNSPEC && d->local.sa.sa_family != s->family)
		return false;
	return !s->host.len || relation_of(d, &host) != APART;
}

static bool
is_in_listed_group(const struct port_sockets *p, const struct diag_sock *d)
{
	for (int i = 0; i < p->count; i++)
		if (in_one_group(&p->list[i], d))
			return true;
	return false;
}

static int
inspect_groups_fill(struct inspect *s, struct port_sockets *p)
{
	struct snapshot *last = &s->snapshots[s->taken - 1];
	const struct port_sockets *lists[] = { &last->listening, &last->bound };

	for (int k = 0; k < 2; k++)
		for (int i = 0; i < lists[k]->count; i++) {
			const struct diag_sock *d = &lists[k]->list[i];
			struct inspect_group *g = &s->groups[s->count];

			if (!inspect_wants(s, d) ||
			    !port_socket_is_first(lists[k], i) ||
			    (k && is_in_listed_group(lists[0], d)))
				continue;
			g->at = k ? -1 : i;
			s->count++;
			if (inspect_group_fill(g, s->snapshots, s->taken, p, d)
			    < 0)
				return -1;
		}
	return s->count;
}

int
inspect_judge(struct inspect *s)
{
	struct snapshot *last = &s->snapshots[s->taken - 1];
	struct port_sockets p = last->listening;
	struct fault saved;
	int n;

	inspect_groups_free(s);
	s->groups = calloc((size_t)last->listening.count +
	    (size_t)last->bound.count + 1, sizeof(*s->groups));
	if (!s->groups)
		return fail("groups");
	if (s->sockinfo.owners)
		owners_refresh(s->sockinfo.owners);
	fail_save(&saved);
	p.sockinfo = s->sockinfo;
	p.registry = registry_open_existing(s->datagram, s->port);
	p.registry_tried = true;
	fail_restore(&saved);
	n = inspect_groups_fill(s, &p);
	if (p.registry)
		registry_close(p.registry);
	return n;
}

void
inspect_steered(struct inspect *s, int index, int steered)
{
	inspect_group_steered(&s->groups[index], steered);
}

struct group_report *
inspect_group(struct inspect *s, int index)
{
	return &s->groups[index].report;
}
