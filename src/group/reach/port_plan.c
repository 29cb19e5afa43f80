#include "group/reach/port_plan.h"

#include <limits.h>
#include <stdlib.h>

enum {
	PORTS_PER_SOCKET = 28,		/* e^-28 < 10^-12 */
	TRIES_PER_MEMBER = 14,		/* e^-14 < 10^-6 */
	TRIES_MOST = 20000,
	PORTS_LEAST = 4096,		/* some are in use: 40 ms of asking */
};

int
port_plan_add(struct port_plan *p, uint64_t inode, int64_t left)
{
	size_t room = (size_t)p->count + 1;
	struct port_want *at = realloc(p->at, room * sizeof(*at));

	if (!at)
		return -1;
	p->at = at;
	p->at[p->count++] = (struct port_want){ inode, left };
	return 0;
}

void
port_plan_free(struct port_plan *p)
{
	free(p->at);
	*p = (struct port_plan){ .at = NULL };
}

int
port_plan_find(const struct port_plan *p, uint64_t inode)
{
	for (int i = 0; i < p->count; i++)
		if (p->at[i].inode == inode)
			return i;
	return -1;
}

bool
port_plan_wants(const struct port_plan *p, uint64_t inode)
{
	int i = port_plan_find(p, inode);

	return i >= 0 && p->at[i].left != 0;
}

void
port_plan_take(struct port_plan *p, uint64_t inode)
{
	int i = port_plan_find(p, inode);

	if (i >= 0 && p->at[i].left > 0)
		p->at[i].left--;
}

void
port_plan_give_back(struct port_plan *p, uint64_t inode)
{
	int i = port_plan_find(p, inode);

	if (i >= 0 && p->at[i].left != PORT_PLAN_ANY)
		p->at[i].left++;
}

int
port_plan_wanted(const struct port_plan *p)
{
	int wanted = 0;

	for (int i = 0; i < p->count; i++)
		wanted += p->at[i].left != 0;
	return wanted;
}

int
port_plan_ports(const struct port_plan *p)
{
	int wanted = port_plan_wanted(p);
	int64_t ports = wanted ? (int64_t)p->sockets * PORTS_PER_SOCKET /
	    wanted : 0;

	if (ports > INT_MAX)
		return INT_MAX;
	return ports > PORTS_LEAST ? (int)ports : PORTS_LEAST;
}

int
port_plan_tries(int64_t part, int64_t whole)
{
	int64_t tries;

	if (part < 1 || whole < part)
		return TRIES_PER_MEMBER;
	tries = (whole * TRIES_PER_MEMBER + part - 1) / part;
	return tries < TRIES_MOST ? (int)tries : TRIES_MOST;
}
