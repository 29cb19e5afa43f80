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
 * A mode that older members do not know (steering.finer) has a second checksum
 * in the slot: of its argument, and for STEER_LEAST of the members that have
 * the fewest connections. The first one is that of the mode which older members
 * know instead. If they attach that, the set of sockets has changed, and with it
 * the second checksum: so a member that knows the mode attaches it again, and
 * they do not undo each other's work.
 *
 * Only weights, full members and STEER_LEAST need the index of each socket.
 * member_index.c finds it, and the registry remembers it for these sockets.
 */
#include "group/steer/reconcile.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/loop.h"
#include "group/registry/spare_request.h"
#include "group/steer/least.h"
#include "group/steer/member_index.h"
#include "group/steer/shares.h"

enum {
	GIVEN_UP = 1,			/* makes a checksum odd */
	PATIENCE_US = 2500 * 1000,	/* before a program is given up */
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

/* The checksum that the program should have. */
static uint64_t
wanted(const struct group *g)
{
	enum steer_mode mode =
	    mode_older(&registry_shared(g->registry)->steering);
	uint64_t sum = 0;

	if (mode == STEER_HASH && !g->chosen)
		return 0;
	for (int i = 0; i < g->n; i++)
		sum += mix_bits(mix_bits(g->list[i].cookie) + g->weight[i]);
	sum = mix_bits(sum + mode) & ~(uint64_t)GIVEN_UP;
	return sum ? sum : ~(uint64_t)GIVEN_UP;
}

/* The second checksum; 0: no finer mode. */
static uint32_t
wanted_finer(const struct group *g)
{
	const struct steering *s = &registry_shared(g->registry)->steering;
	uint64_t sum = 0;

	if (mode_of(s) == mode_older(s))
		return 0;
	for (int i = 0; i < g->n; i++)
		sum += mix_bits(mix_bits(g->list[i].cookie) + g->share[i]);
	sum = mix_bits(sum + s->finer);
	return (uint32_t)sum ? (uint32_t)sum : 1;
}

/* A socket's checksums in its slot. */
struct checksums {
	uint64_t *program;		/* NULL: it is a foreign member's */
	uint32_t *finer;
};

static struct checksums
group_checksums(const struct group *g, int i)
{
	struct slot *s = g->slot[i] < 0 ? NULL :
	    registry_slot(g->registry, g->slot[i]);

	if (!s)
		return (struct checksums){ NULL, NULL };
	return (struct checksums){
		&s->programs[g->socket[i]], &s->finer[g->socket[i]],
	};
}

/* Whether each member in the registry has this checksum, or the odd one. */
static bool
is_current(const struct group *g, uint64_t sum)
{
	for (int i = 0; i < g->n; i++) {
		const uint64_t *has = group_checksums(g, i).program;

		if (has && *has != sum && !(sum && *has == (sum | GIVEN_UP)))
			return false;
	}
	return true;
}

/* Whether the second checksum is right, too, where a program is attached. */
static bool
is_finer(const struct group *g, uint64_t sum, uint32_t finer)
{
	for (int i = 0; i < g->n; i++) {
		struct checksums has = group_checksums(g, i);

		if (has.program && *has.program == sum && *has.finer != finer)
			return false;
	}
	return true;
}

static bool
is_given_up(const struct group *g)
{
	uint64_t sum = wanted(g);

	for (int i = 0; sum && i < g->n; i++) {
		const uint64_t *has = group_checksums(g, i).program;

		if (has && *has == (sum | GIVEN_UP))
			return true;
	}
	return false;
}

static void
reconcile_mark(const struct group *g, uint64_t sum)
{
	uint32_t finer = wanted_finer(g);

	for (int i = 0; i < g->n; i++) {
		struct checksums has = group_checksums(g, i);

		if (!has.program)
			continue;
		*has.program = sum;
		*has.finer = finer;
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
			/* group_weigh() fills in what is like list */
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
		return fail_as(STATUS_NETWORK, "steering: some members are "
		    "not rpnc's, and then the order of datagram sockets can't "
		    "be found");
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
	/* with STEER_LEAST the shares differ at the first client: be ready */
	if (g->least || group_is_uneven(g)) {
		if (order_restore(g) < 0)
			return -1;
		group_weigh(g);
	}
	return bpf_attach(g->fd, g->bound->sa.sa_family == AF_INET6,
	    group_mode(g), group_offset(g), g->share, g->n);
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
reconcile_make(struct reconcile *p, struct group *g)
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

/* Whether nothing is steered, nor ever was: true of most registries. */
static bool
is_plain(struct registry *r)
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

/* The things that a group lacks. */
enum due {
	DUE_NOTHING,
	DUE_SHARES,		/* only the second checksum is not right */
	DUE_PROGRAM,
};

static enum due
group_due(const struct group *g)
{
	uint64_t sum = wanted(g);

	if (!is_current(g, sum))
		return DUE_PROGRAM;
	return is_finer(g, sum, wanted_finer(g)) ? DUE_NOTHING : DUE_SHARES;
}

/* One look at all groups of this process. */
struct pass {
	struct reconcile *p;
	bool locked, amiss;
	bool paid;			/* by STEER_LEAST, for all groups */
	bool wakes;			/* others have to look, too */
	int result;
};

/* Whether the program of STEER_LEAST was attached too often of late. */
static bool
is_early(const struct pass *w, const struct group *g)
{
	return group_mode(g) == STEER_LEAST && !w->paid &&
	    least_wait(registry_shared(g->registry)->balanced, clock_ms());
}

/*
 * Whether this process, the last that attached, has to look again by itself.
 * Otherwise members look when they accept or close a connection. A stuck member
 * does not, so it could get all connections, if it alone has the fewest.
 */
static bool
must_observe_again(const struct reconcile *p, const struct group *g)
{
	return g->n > 1 && g->least == 1 && p->balanced &&
	    registry_shared(p->registry)->balanced == p->balanced;
}

static bool
pass_lock(struct pass *w)
{
	w->locked = w->locked || registry_steer_begin(w->p->registry) == 0;
	return w->locked;
}

static void
pass_mend(struct pass *w, struct group *g)
{
	enum due due = group_due(g);
	uint32_t *balanced = &registry_shared(g->registry)->balanced;

	w->amiss |= due == DUE_PROGRAM;
	if (due == DUE_NOTHING)
		return;
	if ((due == DUE_SHARES && is_early(w, g)) || !pass_lock(w)) {
		w->p->again = true;
		return;
	}
	/* members and weights may have changed before we had the lock */
	free(g->list);
	if (group_open(g, w->p->registry, w->p->diag, g->fd, g->bound,
	    w->p->datagram) <= 0)
		return;
	due = group_due(g);
	if (due == DUE_NOTHING)
		return;
	if (due == DUE_SHARES && is_early(w, g)) {
		w->p->again = true;
		return;
	}
	w->wakes |= due == DUE_PROGRAM;
	if (reconcile_make(w->p, g) < 0)
		w->result = -1;
	if (g->least && !w->paid)
		w->p->balanced = *balanced = least_spend(*balanced, clock_ms());
	w->paid |= g->least > 0;
}

static void
pass_end(struct pass *w)
{
	struct registry *r = w->p->registry;

	/* another member has done what failed here */
	if (!w->amiss)
		w->p->failing = 0;
	if (w->locked && w->wakes)
		registry_steer_end(r);
	else if (w->locked)
		registry_steer_end_quietly(r);
}

int
reconcile_apply(struct reconcile *p, const struct sock_set *set)
{
	struct registry *r = p->registry;
	struct pass w = { .p = p };

	p->again = false;
	if (!p->diag || is_plain(r)) {
		p->failing = 0;
		return 0;
	}
	for (int i = 0; i < set->count; i++) {
		struct group g;

		if (set->bound[i].sa.sa_family == AF_UNIX)
			continue;
		if (group_open(&g, r, p->diag, set->fd[i], &set->bound[i],
		    p->datagram) > 0) {
			pass_mend(&w, &g);
			p->again |= must_observe_again(p, &g);
		}
		free(g.list);
	}
	pass_end(&w);
	return w.result;
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
		group_weigh(&g);
	else if (g.chosen)
		memset(g.weight, 0, sizeof(g.weight));
	g.weight[index] = 0;
	for (int i = 0; i < g.n; i++)
		others += g.weight[i];
	/* give the others equal shares: no connection is lost by that */
	for (int i = 0; i < g.n && !others; i++)
		g.weight[i] = i != index;
	result = bpf_attach(fd, bound->sa.sa_family == AF_INET6,
	    group_mode(&g), group_offset(&g), g.weight, g.n);
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
		    false) > 0 && !is_current(&g, 0)) {
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
	if (group_take(&g) > 0 && is_current(&g, wanted(&g)))
		progress = is_given_up(&g) ? PROGRESS_GIVEN_UP :
		    PROGRESS_DONE;
	free(g.list);
	return progress;
}
