#include "group/steer/shares.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "group/registry/spare_request.h"
#include "group/steer/least.h"
#include "group/steer/mode.h"
#include "net/sock.h"

static bool
is_quarantined(const struct group *g, int i)
{
	return request_of(g->registry, g->list[i].inode) != NULL;
}

enum steer_mode
group_mode(const struct group *g)
{
	return mode_of(&registry_shared(g->registry)->steering);
}

static uint64_t
member_open(const struct group *g, int i)
{
	const struct counters *c;

	if (g->slot[i] < 0)
		return LEAST_UNKNOWN;
	c = &registry_slot(g->registry, g->slot[i])->counters;
	/* its process may be between two stores */
	return c->accepted > c->closed ? c->accepted - c->closed : 0;
}

void
group_share(struct group *g)
{
	uint64_t open[STEER_MAX];
	uint32_t queued[STEER_MAX];

	memcpy(g->share, g->weight, sizeof(g->share));
	g->least = 0;
	if (group_mode(g) != STEER_LEAST)
		return;
	for (int i = 0; i < g->n; i++) {
		open[i] = member_open(g, i);
		queued[i] = g->list[i].rqueue;
	}
	g->least = least_choose(open, queued, g->weight, g->share, g->n);
}

void
group_weigh(struct group *g)
{
	bool full[STEER_MAX] = { false }, stuck = false;
	uint64_t sum = 0;

	g->foreign = g->chosen = false;
	for (int i = 0; i < g->n; i++) {
		int slot = registry_find_socket(g->registry,
		    g->list[i].inode, &g->socket[i]);

		g->slot[i] = slot;
		g->foreign |= slot < 0;
		g->weight[i] = mode_weight(g->registry, slot);
		full[i] = slot >= 0 &&
		    registry_slot(g->registry, slot)->state == STATE_FULL;
	}
	for (int i = 0; i < g->n; i++) {
		bool quarantined = is_quarantined(g, i);

		/* don't replace a foreign member's program unasked */
		if ((full[i] && !g->foreign) || quarantined)
			g->weight[i] = 0;
		stuck |= quarantined;
		sum += g->weight[i];
	}
	for (int i = 0; i < g->n; i++) {
		/*
		 * a full member, or one of weight 0, is better than a stuck
		 * member
		 */
		if (stuck && !sum)
			g->weight[i] = !is_quarantined(g, i);
		g->chosen |= g->weight[i] != g->weight[0];
	}
	group_share(g);
}

int
group_take(struct group *g)
{
	if (g->n > STEER_MAX) {
		free(g->list);
		g->list = NULL;
		fail_as(STATUS_NETWORK, "steering: %d sockets are too many",
		    g->n);
		g->n = 0;
		return -1;
	}
	if (g->n > 0)
		group_weigh(g);
	return g->n;
}

int
group_open(struct group *g, struct registry *r, struct sock_diag *diag, int fd,
    const struct addr *bound, bool datagram)
{
	*g = (struct group){
		.registry = r, .diag = diag, .fd = fd, .bound = bound,
	};
	g->n = sock_diag_group_with(diag, datagram ? IPPROTO_UDP : IPPROTO_TCP,
	    addr_port(bound), sock_inode(fd), &g->list);
	return group_take(g);
}

bool
group_is_uneven(const struct group *g)
{
	for (int i = 1; i < g->n; i++)
		if (g->share[i] != g->share[0])
			return true;
	return false;
}

uint32_t
group_offset(const struct group *g)
{
	return mode_offset(&registry_shared(g->registry)->steering);
}
