/*
 * Keeps the program of each group as the registry says. How it works. For each
 * of its sockets a slot has a checksum of the input of the group's program: the
 * mode, and each member with its weight. A process that is woken computes the
 * checksum that the group should have. If a member of the group has another
 * one, the process makes the program and attaches it.
 *
 *	checksum	means
 *	0		no program; a group never steered is not touched
 *	even		the program made from this is attached
 *	odd		that program could not be made; none is attached
 *	PROGRAM_DIRTY	of no program; the next process woken attaches again
 *
 * If earlier members died with a program attached, a new member starts with
 * PROGRAM_DIRTY, because maybe no member was left to re-attach. A member that
 * leaves writes it before it attaches programs of its own; so the others
 * re-attach when it is gone, however it ended.
 *
 * Only weights and full members need the index of each socket. member_index.c
 * finds it, and the registry remembers it for these sockets.
 */
#include "group/steer/reconcile.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/loop.h"
#include "group/registry/spare_request.h"
#include "group/steer/member_index.h"

enum {
	GIVEN_UP = 1,			/* makes a checksum odd */
	PATIENCE_US = 2500 * 1000,	/* before a program is given up */
};

/* One group: its sockets, in the kernel's order, and their weights. */
struct group {
	struct registry *registry;
	struct sock_diag *diag;
	int fd, n;
	const struct addr *bound;
	struct diag_sock *list;
	uint32_t weight[STEER_MAX];	/* like list; 0: gets nothing */
	bool foreign;			/* some are not rpnc's */
	bool chosen;			/* some get less than others */
};

static uint64_t
mix_bits(uint64_t x)
{
	x = (x ^ x >> 31) * 0x9e3779b97f4a7c15;
	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9;
	return x ^ x >> 32;
}

int
reconcile_known(struct registry *r, const struct diag_sock *list, int n)
{
	int known = 0;

	for (int i = 0; i < n; i++)
		known += registry_find_socket(r, list[i].inode, NULL) >= 0;
	return known;
}

static bool
is_quarantined(const struct group *g, int i)
{
	return request_of(g->registry, g->list[i].inode) != NULL;
}

static void
give_weights(struct group *g)
{
	bool full[STEER_MAX] = { false }, stuck = false;
	uint64_t sum = 0;
	int socket;

	g->foreign = g->chosen = false;
	for (int i = 0; i < g->n; i++) {
		int slot = registry_find_socket(g->registry,
		    g->list[i].inode, &socket);

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
}

static int
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
		give_weights(g);
	return g->n;
}

/* Lists the group of fd; returns the number of sockets, or -1. */
static int
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

/* The checksum that the program should have. */
static uint64_t
wanted(const struct group *g)
{
	enum steer_mode mode = mode_of(&registry_shared(g->registry)->steering);
	uint64_t sum = 0;

	if (mode == STEER_HASH && !g->chosen)
		return 0;
	for (int i = 0; i < g->n; i++)
		sum += mix_bits(mix_bits(g->list[i].cookie) + g->weight[i]);
	sum = mix_bits(sum + mode) & ~(uint64_t)GIVEN_UP;
	return sum ? sum : ~(uint64_t)GIVEN_UP;
}

/* Finds a socket's checksum in its slot; NULL: it is a foreign member's. */
static uint64_t *
group_checksum(const struct group *g, int i)
{
	int socket, slot = registry_find_socket(g->registry, g->list[i].inode,
	    &socket);

	return slot < 0 ? NULL :
	    &registry_slot(g->registry, slot)->programs[socket];
}

/* Whether each member in the registry has this checksum, or the odd one. */
static bool
is_so(const struct group *g, uint64_t sum)
{
	for (int i = 0; i < g->n; i++) {
		const uint64_t *has = group_checksum(g, i);

		if (has && *has != sum && !(sum && *has == (sum | GIVEN_UP)))
			return false;
	}
	return true;
}

static bool
is_given_up(const struct group *g)
{
	uint64_t sum = wanted(g);

	for (int i = 0; sum && i < g->n; i++) {
		const uint64_t *has = group_checksum(g, i);

		if (has && *has == (sum | GIVEN_UP))
			return true;
	}
	return false;
}

static void
reconcile_mark(const struct group *g, uint64_t sum)
{
	for (int i = 0; i < g->n; i++) {
		uint64_t *has = group_checksum(g, i);

		if (has)
			*has = sum;
	}
}

static uint64_t
set_key(const struct group *g)
{
	uint64_t sum = 0;

	for (int i = 0; i < g->n; i++)
		sum += mix_bits(g->list[i].cookie);
	return sum ? sum : 1;
}

static int
recall_order(const struct group *g, const struct order *o)
{
	for (int i = 0; i < g->n; i++) {
		int j = i;

		while (j < g->n && g->list[j].cookie != o->cookies[i])
			j++;
		if (j == g->n)
			return -1;
		if (j > i) {
			struct diag_sock one = g->list[i];

			g->list[i] = g->list[j];
			g->list[j] = one;
		}
	}
	return 0;
}

void
reconcile_forgive(struct registry *r, struct sock_diag *diag,
    const struct diag_sock *before, int n)
{
	struct diag_sock *now = NULL;
	int count = n > 0 ? sock_diag_group_of(diag, &before[0], &now) : 0;

	for (int i = 0; i < count; i++)
		for (int j = 0; j < n; j++)
			if (now[i].cookie == before[j].cookie)
				registry_forgive(r, now[i].inode, now[i].cookie,
				    (uint32_t)(now[i].drops -
				    before[j].drops));
	free(now);
}

/* Puts the list in the order of indices. */
static int
order_restore(struct group *g)
{
	struct shared *shared = registry_shared(g->registry);
	uint64_t key = set_key(g);
	struct order *o;
	int result;

	for (int i = 0; i < SHARED_ORDERS; i++)
		if (shared->orders[i].key == key &&
		    recall_order(g, &shared->orders[i]) == 0)
			return 0;
	if (g->list[0].protocol == IPPROTO_UDP && g->foreign)
		return fail_as(STATUS_NETWORK, "steering: which index is "
		    "whose can't be found out among datagram sockets that "
		    "are not all rpnc's");
	result = index_order(g->fd, g->bound, g->diag, g->list, g->n,
	    shared->mark);
	reconcile_forgive(g->registry, g->diag, g->list, g->n);
	if (result < 0)
		return -1;
	o = &shared->orders[shared->next_order++ % SHARED_ORDERS];
	o->key = 0;
	for (int i = 0; i < g->n; i++)
		o->cookies[i] = g->list[i].cookie;
	o->key = key;
	return 0;
}

static int
reconcile_attach(struct group *g)
{
	if (!index_is_reachable(g->bound)) {
		bpf_detach(g->fd);
		return 0;
	}
	if (g->chosen) {
		if (order_restore(g) < 0)
			return -1;
		give_weights(g);
	}
	return bpf_attach(g->fd, g->bound->sa.sa_family == AF_INET6,
	    mode_of(&registry_shared(g->registry)->steering), g->weight,
	    g->n);
}

/* Whether members came or went since the group was listed. */
static bool
has_changed(const struct group *g)
{
	struct diag_sock *now = NULL;
	uint64_t sum = 0;
	int n = sock_diag_group_of(g->diag, &g->list[0], &now);

	for (int i = 0; i < n; i++)
		sum += mix_bits(now[i].cookie);
	free(now);
	return sum != set_key(g);
}

/*
 * The caller holds the lock. If a program can't be made, none is attached.
 * Maybe the group is just changing, or a member is not in the registry yet. So
 * the group stays marked, and the next wake-up, or a second, brings another
 * try.
 */
static int
make_so(struct reconcile *p, struct group *g)
{
	reconcile_mark(g, PROGRAM_DIRTY);
	if (reconcile_attach(g) == 0) {
		p->failing = 0;
		reconcile_mark(g, wanted(g));
		return 0;
	}
	bpf_detach(g->fd);
	if (!p->failing || has_changed(g))
		p->failing = loop_now();
	if (loop_now() - p->failing < PATIENCE_US)
		return 0;
	p->failing = 0;
	reconcile_mark(g, wanted(g) ? wanted(g) | GIVEN_UP : 0);
	return -1;
}

bool
reconcile_is_plain(struct registry *r)
{
	if (mode_of(&registry_shared(r)->steering) != STEER_HASH ||
	    request_any(r))
		return false;
	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(r, i);

		if (s->kind != SLOT_MEMBER)
			continue;
		if (s->state == STATE_FULL)
			return false;
		for (int j = 0; j < REGISTRY_SOCKETS; j++)
			if (s->programs[j])
				return false;
	}
	return true;
}

int
reconcile_apply(struct reconcile *p, const struct sock_set *set)
{
	struct registry *r = p->registry;
	int result = 0;
	bool ours = false, amiss = false;

	if (!p->diag || reconcile_is_plain(r)) {
		p->failing = 0;
		return 0;
	}
	for (int i = 0; i < set->count; i++) {
		struct group g;

		if (set->bound[i].sa.sa_family == AF_UNIX)
			continue;
		if (group_open(&g, r, p->diag, set->fd[i], &set->bound[i],
		    p->datagram) > 0 && !is_so(&g, wanted(&g))) {
			amiss = true;
			ours = ours || registry_steer_begin(r) == 0;
			if (ours && !is_so(&g, wanted(&g)) &&
			    make_so(p, &g) < 0)
				result = -1;
		}
		free(g.list);
	}
	/* another member has done what failed here */
	if (!amiss)
		p->failing = 0;
	if (ours)
		registry_steer_end(r);
	return result;
}

int
reconcile_exclude(struct registry *r, struct sock_diag *diag, int fd,
    const struct addr *bound, int index)
{
	struct group g;
	uint64_t others = 0;
	int result = -1;

	if (group_open(&g, r, diag, fd, bound, false) <= index)
		goto free;
	if (g.chosen && order_restore(&g) == 0)
		give_weights(&g);
	else if (g.chosen)
		memset(g.weight, 0, sizeof(g.weight));
	g.weight[index] = 0;
	for (int i = 0; i < g.n; i++)
		others += g.weight[i];
	/* give the others equal shares: no connection is lost by that */
	for (int i = 0; i < g.n && !others; i++)
		g.weight[i] = i != index;
	result = bpf_attach(fd, bound->sa.sa_family == AF_INET6,
	    mode_of(&registry_shared(r)->steering), g.weight, g.n);
free:
	free(g.list);
	return result;
}

void
reconcile_mark_dirty(struct registry *r, struct sock_diag *diag,
    const struct sock_set *set)
{
	for (int i = 0; i < set->count; i++) {
		struct group g;

		if (group_open(&g, r, diag, set->fd[i], &set->bound[i],
		    false) > 0)
			reconcile_mark(&g, PROGRAM_DIRTY);
		free(g.list);
	}
}

void
reconcile_clear(struct registry *r, struct sock_diag *diag,
    const struct sock_set *set)
{
	for (int i = 0; i < set->count; i++) {
		struct group g;

		if (group_open(&g, r, diag, set->fd[i], &set->bound[i],
		    false) > 0 && !is_so(&g, 0)) {
			bpf_detach(set->fd[i]);
			reconcile_mark(&g, 0);
		}
		free(g.list);
	}
}

enum progress
reconcile_progress(struct registry *r, struct sock_diag *diag,
    const struct diag_sock *member)
{
	struct group g = { .registry = r, .diag = diag };
	enum progress progress = PROGRESS_DUE;

	g.n = sock_diag_group_of(diag, member, &g.list);
	if (group_take(&g) > 0 && is_so(&g, wanted(&g)))
		progress = is_given_up(&g) ? PROGRESS_GIVEN_UP :
		    PROGRESS_DONE;
	free(g.list);
	return progress;
}
