/*
 * Attempts at one given member, or at each listening socket of a group. How it
 * works. The plan of ports (group/reach/port_plan.h) has the sockets that
 * attempts are wanted for. identify.c binds each attempt to a port that the
 * kernel's hash gives to one of these, and takes it from the plan. When the
 * attempt ends, load_reach_count() finds the socket that has really got it:
 *
 *	known by			because
 *	half-open handshake		identify_verify() has seen it
 *	the process that accepted	it is one socket's
 *	the prediction			nothing else is known
 *	greeting, or reply		it names the member
 *
 * An attempt that came elsewhere goes back into the plan. It proves that the hash
 * does not choose, unless members came or went. Then ports are no longer chosen:
 * attempts are made until each socket has had its own. Those that came to others
 * are not counted as attempts, but as missed. If too many in a row are missed,
 * it is given up (port_plan_tries()).
 */
#include "probe/load/load_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "net/sources.h"

static bool
is_by_name(const struct load *l)
{
	const struct attempt_shared *s = &l->shared;

	return s->by == BY_BANNER || s->by == BY_REPLY || !s->identify;
}

/* Misses in a row that are too many. */
static int
misses_most(const struct load *l)
{
	const struct load_reach *r = &l->reach;

	if (r->shared)
		return port_plan_tries(1, r->sharers);
	if (is_by_name(l))		/* one more may not have been met yet */
		return port_plan_tries(1, l->tally.count + 1);
	return port_group_tries(&r->group, &r->ports, l->plan->each > 0);
}

/* Of those still in flight, one may be a hit. */
static bool
are_too_many(const struct load *l)
{
	return l->reach.misses >= misses_most(l);
}

bool
load_reach_is_single(const struct load *l)
{
	const struct load_reach *r = &l->reach;

	if (!r->wanted)
		return false;
	return are_too_many(l) || (l->plan->each && r->how == REACH_TRYING);
}

void
load_reach_open(struct load *l)
{
	struct load_reach *r = &l->reach;

	r->wanted = l->plan->to || l->plan->each;
	if (r->wanted)
		sockinfo_open(&r->sockinfo);
}

void
load_reach_close(struct load *l)
{
	struct load_reach *r = &l->reach;

	port_group_free(&r->group);
	port_plan_free(&r->ports);
	free(r->counts);
	if (r->registry)
		registry_close(r->registry);
	sockinfo_close(&r->sockinfo);
}

/* Without memory: no socket is wanted, and counts is NULL. */
static int
ports_fail(struct load_reach *r)
{
	port_plan_free(&r->ports);
	free(r->counts);
	r->counts = NULL;
	return fail("probe");
}

/* Puts the sockets that attempts are wanted for into the plan of ports. */
static int
ports_plan(struct load *l)
{
	struct load_reach *r = &l->reach;
	const struct plan *p = l->plan;

	port_plan_free(&r->ports);
	free(r->counts);
	r->counts = calloc((size_t)r->group.count + 1, sizeof(*r->counts));
	if (!r->counts)
		return ports_fail(r);
	r->ports.sockets = r->group.count;
	for (int i = 0; i < r->group.count; i++) {
		const struct port_group_socket *s = &r->group.at[i];
		int64_t left = p->each ? (int64_t)p->each : PORT_PLAN_ANY;

		if (p->to && !port_group_is_chosen(s, p->to))
			continue;
		if (port_plan_add(&r->ports, s->inode, left) < 0)
			return ports_fail(r);
	}
	return 0;
}

/* The member shares its sockets, so that no port leads to it. */
static bool
is_sharer(struct load *l)
{
	struct load_reach *r = &l->reach;
	bool chosen;

	r->sharers = port_group_sharers(&r->group, r->sockinfo.owners,
	    l->plan->to, &chosen);
	return chosen && !l->plan->datagram;
}

/* A group that attempts can't be told apart in, or that lacks the member. */
static int
group_check(struct load *l, const struct addr *a)
{
	struct load_reach *r = &l->reach;

	if (!r->group.count)		/* it will be refused */
		return 0;
	r->absent = !r->ports.count && !r->shared;
	if (r->absent)
		return port_group_fail_absent(&r->group, a, l->plan->to_text);
	if (l->plan->datagram && r->steered)
		return fail_as(STATUS_NETWORK, "a program chooses who gets a "
		    "datagram, and nothing shows whom it chose");
	return 0;
}

/* The greeting may tell who they are whose processes can't be seen. */
static bool
is_greeting_left(const struct load *l)
{
	return l->reach.absent && l->plan->by == BY_AUTO &&
	    !l->plan->datagram && port_group_is_hidden(&l->reach.group);
}

static int
aim_by_greeting(struct load *l)
{
	struct load_reach *r = &l->reach;

	r->absent = false;
	r->how = REACH_GREETING;
	port_group_free(&r->group);
	l->shared.identify = NULL;
	l->shared.by = BY_BANNER;
	return 0;
}

static int
aim_by_kernel(struct load *l, const struct addr *a)
{
	struct load_reach *r = &l->reach;
	struct addr source = { .len = 0 };

	if (sources_peek(l->plan->sources, a->sa.sa_family, &source) < 0 ||
	    (source.len && addr_is_wildcard(&source)))
		source.len = 0;
	port_group_free(&r->group);
	r->absent = false;
	if (r->registry)		/* another one, after a while */
		registry_close(r->registry);
	r->registry = registry_open_existing(l->plan->datagram, l->port);
	if (port_group_find(&r->group, &r->sockinfo, r->registry,
	    l->plan->datagram ? IPPROTO_UDP : IPPROTO_TCP, a, &source,
	    l->plan->interface) < 0 || ports_plan(l) < 0)
		return -1;
	r->aimed = clock_ns();
	r->misses = 0;
	r->why = r->group.count > 1 ? port_group_why_steered(&r->group) : NULL;
	r->steered = r->why && !r->group.leaving;
	r->guessed = false;
	r->passing = r->group.steered;
	r->shared = r->group.count && !r->ports.count && is_sharer(l);
	r->how = r->why || r->shared ? REACH_TRYING : REACH_PREDICTION;
	identify_want(l->shared.identify, r->how == REACH_TRYING ||
	    !r->group.count ? NULL : &r->ports);
	if (group_check(l, a) == 0)
		return 0;
	return is_greeting_left(l) ? aim_by_greeting(l) : -1;
}

int
load_reach_aim(struct load *l, const struct addr *a)
{
	struct load_reach *r = &l->reach;

	if (!r->wanted)
		return 0;
	if (l->shared.identify)
		return aim_by_kernel(l, a);
	r->how = REACH_GREETING;
	if (!l->plan->each)
		return 0;
	return fail_as(STATUS_USAGE, "each socket of a group is known on this "
	    "host only, and by its kernel");
}

bool
load_reach_has_more(const struct load *l)
{
	const struct load_reach *r = &l->reach;

	if (!r->wanted || !l->plan->each)
		return !r->over;
	if (!r->group.count)		/* one attempt shows it refused */
		return l->schedule.scouting || !l->schedule.begun;
	return !r->over && port_plan_wanted(&r->ports) > 0;
}

/* The socket of the process that accepted; -1: it has none, or several. */
static int
socket_of_process(const struct load_reach *r, pid_t pid, uint64_t predicted)
{
	int found = -1;

	for (int i = 0; i < r->group.count; i++) {
		if (r->group.at[i].pid != pid)
			continue;
		if (r->group.at[i].inode == predicted)
			return i;
		found = found < 0 ? i : found;
	}
	return found;
}

static int
socket_of_inode(const struct load_reach *r, uint64_t inode)
{
	for (int i = 0; i < r->group.count; i++)
		if (r->group.at[i].inode == inode)
			return i;
	return -1;
}

/* The index of the socket that has got the attempt; -1: not known. */
static int
socket_found(const struct load *l, const struct attempt *a,
    const struct attempt_result *r)
{
	const struct load_reach *x = &l->reach;
	int row = r->accepted >= 0 ? r->accepted : r->row;
	int found = -1;

	if (a->verified)
		return socket_of_inode(x, a->predicted_inode);
	if (row >= 0)
		found = socket_of_process(x, l->tally.rows[row].pid,
		    a->predicted_inode);
	if (found >= 0 || x->how == REACH_TRYING)
		return found;
	return socket_of_inode(x, a->predicted_inode);
}

/* The attempts end here, after a fault. */
static void
reach_end(struct load *l)
{
	l->reach.over = true;
	l->schedule.stopping = true;
	l->on_fault(l);
}

/* Looks for the member again; -1: it is not there, or there is no memory. */
static int
reach_aim_again(struct load *l)
{
	if (aim_by_kernel(l, &l->shared.target) == 0)
		return 0;
	if (!l->reach.counts)
		reach_end(l);
	return -1;
}

/* From now on no port is chosen. chosen: one was, and was wrong. */
static void
reach_by_trying(struct load *l, bool chosen, bool changed)
{
	struct load_reach *r = &l->reach;

	r->how = REACH_TRYING;
	r->why = "no source port is left that leads there";
	r->steered = false;
	if (chosen || changed)
		r->why = port_group_why_wrong(r->registry, changed,
		    &r->steered);
	r->guessed = r->steered || !(chosen || changed);
	/* a member that is absent may come back */
	r->passing = r->absent || (chosen && !changed && !r->steered);
	identify_want(l->shared.identify, NULL);
}

/*
 * An attempt has not come to the socket that its port was chosen for, or none
 * could be chosen. If members came or went, the member is looked for again;
 * otherwise ports are of no use any more.
 */
static void
reach_doubt(struct load *l, bool chosen)
{
	bool changed = identify_follow(l->shared.identify, true) > 0;

	if (changed && l->plan->to && reach_aim_again(l) == 0)
		return;
	reach_by_trying(l, chosen, changed);
}

static void
socket_count(struct load_reach *r, int socket, const struct attempt_result *a)
{
	r->counts[socket].attempts++;
	r->counts[socket].answered += a->outcome == OUT_OK && !a->mismatched &&
	    !a->deferred;
}

/* Whether the process that accepted is the member, among those that share. */
static bool
is_hit_of_sharer(const struct load *l, const struct attempt_result *r)
{
	int row = r->accepted >= 0 ? r->accepted : r->row;

	return row >= 0 && port_group_is_sharer(l->plan->to,
	    l->tally.rows[row].pid);
}

/*
 * Whether an attempt came to the member's socket, which has closed since, so
 * that the group now lacks it.
 */
static bool
is_hit_of_closed(const struct load *l, const struct attempt *a,
    const struct attempt_result *result)
{
	return l->plan->to && a->started < l->reach.aimed && a->chosen_inode &&
	    a->predicted_inode == a->chosen_inode &&
	    (a->verified || result->outcome == OUT_OK);
}

/* Whether the attempt came to a socket that it is wanted for. */
static bool
is_hit_by_kernel(struct load *l, const struct attempt *a,
    const struct attempt_result *result)
{
	struct load_reach *r = &l->reach;
	int socket = socket_found(l, a, result);
	uint64_t inode;

	if (r->shared)
		return is_hit_of_sharer(l, result);
	if (a->chosen_inode)
		port_plan_give_back(&r->ports, a->chosen_inode);
	if (socket < 0 && a->chosen_inode)
		socket = socket_of_inode(r, a->chosen_inode);
	if (socket < 0 && is_hit_of_closed(l, a, result))
		return true;
	if (socket < 0)			/* refused, or it left no trace */
		return l->plan->to && result->outcome != OUT_OK &&
		    result->outcome != OUT_QUEUED;
	inode = r->group.at[socket].inode;
	if (r->how == REACH_PREDICTION && a->chosen_inode != inode &&
	    a->started > r->aimed)
		reach_doubt(l, a->chosen_inode != 0);
	socket = socket_of_inode(r, inode);
	if (socket < 0 || !port_plan_wants(&r->ports, inode))
		return false;
	port_plan_take(&r->ports, inode);
	socket_count(r, socket, result);
	r->unseen += !a->verified && result->row < 0;
	return true;
}

static bool
is_hit_by_name(const struct load *l, const struct attempt_result *result)
{
	const struct plan *p = l->plan;
	const struct row *row;

	if (result->row < 0)
		return result->outcome != OUT_OK;
	row = &l->tally.rows[result->row];
	if (l->shared.by == BY_REPLY)
		return strcmp(row->name, p->to_text) == 0;
	return member_choice_is(p->to, row->name, row->pid, 0, row->worker);
}

static void
reach_give_up(struct load *l)
{
	struct load_reach *r = &l->reach;

	r->over = true;
	l->schedule.stopping = true;
	if (r->hits || !l->plan->to)
		return;
	fail_as(STATUS_NETWORK, "%.40s got none of %d connections",
	    l->plan->to_text, r->misses);
	if (is_by_name(l) && !l->tally.count)
		fail_add("nobody said who it is");
	else
		fail_add("%s%s", r->why ? r->why : "others got them",
		    r->steered ? ", and keeps them from it" : "");
	reach_end(l);
}

/*
 * A member that leaves has a program only for a while. One that is absent then
 * is looked for until misses are too many.
 */
static void
reach_by_prediction_again(struct load *l)
{
	struct load_reach *r = &l->reach;
	int misses = r->absent ? r->misses : 0;

	if (l->plan->to && r->how == REACH_TRYING && r->passing &&
	    r->registry && !port_group_is_steered(r->registry)) {
		identify_follow(l->shared.identify, false);
		if (reach_aim_again(l) < 0) {
			r->misses = misses;
			reach_by_trying(l, true, true);
		}
	}
}

bool
load_reach_misses(struct load *l, const struct attempt *a,
    const struct attempt_result *result)
{
	struct load_reach *r = &l->reach;
	bool hit;

	if (!r->wanted || (!r->group.count && !is_by_name(l)))
		return false;
	if (is_by_name(l))
		r->how = REACH_GREETING;
	hit = is_by_name(l) ? is_hit_by_name(l, result) :
	    is_hit_by_kernel(l, a, result);
	reach_by_prediction_again(l);
	if (hit) {
		r->misses = 0;
		r->hits++;
		return false;
	}
	r->missed++;
	r->misses++;
	if (are_too_many(l) && !l->in_flight && !r->over)
		reach_give_up(l);
	return true;
}
