/*
 * Finds the process that has the server's end of a connection. sock_diag(7)
 * finds that end by both addresses and ports. Its answer is one of:
 *
 *	an inode		accepted; /proc tells which process has it
 *	ESTABLISHED, no inode	in a listener's queue, or closed already
 *	SYN_RECV		the server waits for data
 *	a listener, or nothing	there is no such connection (any more)
 *
 * The row is the process's own if it is a member: if it holds a listening
 * socket of the group. Otherwise it is the row of the nearest ancestor that
 * does, because servers that fork let children serve.
 *
 * A server that closes at once leaves nothing to look at. So the kernel is also
 * asked before: see prediction.c. Predictions are then compared with what was
 * found.
 */
#include "probe/who/identify.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "group/reach/port_group.h"
#include "kernel/pidfd_sockopt.h"
#include "kernel/sock_diag.h"
#include "kernel/sock_owner.h"
#include "net/sock.h"
#include "probe/who/answer.h"
#include "probe/who/listeners.h"
#include "probe/who/prediction.h"

enum {
	HOLDERS_MAX = 256,
	ANCESTORS_MAX = 8,
	HOPELESS_AFTER = 3,
};

struct identify {
	struct sock_diag *diag;
	struct owners *owners;
	struct tally *tally;
	bool paced;
	int protocol;
	struct addr target;
	struct prediction prediction;
	struct listeners group;		/* at the last look */
	int hidden;			/* looks that found no process */
	bool seen;			/* a look that found one */
	uid_t uid;			/* the listener's, or the acceptor's */
	struct answers answers;
	bool moved;			/* the group has changed */
	bool wanting;			/* identify_want() was called */
};

struct identify *
identify_new(struct tally *t, const struct origin *from)
{
	struct identify *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->tally = t;
	w->paced = from->paced;
	w->protocol = from->datagram ? IPPROTO_UDP : IPPROTO_TCP;
	w->diag = sock_diag_open();
	w->owners = w->diag ? owners_new() : NULL;
	if (w->owners) {
		prediction_init(&w->prediction, w->diag, from);
		return w;
	}
	identify_free(w);
	return NULL;
}

void
identify_free(struct identify *w)
{
	if (!w)
		return;
	listeners_free(&w->group);
	owners_free(w->owners);
	sock_diag_close(w->diag);
	free(w);
}

/* Lists the sockets that a client of the target would meet; -1: a fault. */
static int
identify_group(struct identify *w, struct diag_sock **list)
{
	return port_group_list(w->diag, w->protocol, &w->target,
	    &w->prediction.source, list);
}

int
identify_aim(struct identify *w, const struct addr *target)
{
	struct diag_sock *list;
	int count;

	w->target = *target;
	w->moved = false;
	prediction_aim(&w->prediction, target);
	listeners_free(&w->group);
	count = identify_group(w, &list);
	if (count > 0)
		w->uid = list[0].uid;
	if (count >= 0 && listeners_fill(&w->group, w->tally, w->owners,
	    list, count) < 0)
		count = -1;
	free(list);
	return count;
}

bool
identify_is_shared(const struct origin *from, const struct addr *target)
{
	struct tally none = { 0 };
	struct identify *w = sock_is_local(target) ?
	    identify_new(&none, from) : NULL;
	bool shared = w && identify_aim(w, target) > 0 &&
	    listeners_are_shared(&w->group, &none);

	identify_free(w);
	tally_free(&none);
	return shared;
}

bool
identify_has_group(const struct identify *w)
{
	return w->group.count > 0;
}

bool
identify_has_several(const struct identify *w)
{
	return w->group.count > 1;
}

uint64_t
identify_predict(struct identify *w, int fd, struct addr *ours)
{
	return prediction_make(&w->prediction, fd, ours);
}

void
identify_want(struct identify *w, struct port_plan *plan)
{
	if (!w->wanting)		/* what came before still counts */
		w->prediction.record.all_verified = w->protocol == IPPROTO_TCP;
	w->wanting = true;
	w->prediction.search.plan = plan;
}

bool
identify_take(struct identify *w, uint64_t inode)
{
	struct port_plan *plan = w->prediction.search.plan;

	if (!plan || !port_plan_wants(plan, inode))
		return false;
	port_plan_take(plan, inode);
	return true;
}

void
identify_give_back(struct identify *w, uint64_t inode)
{
	if (w->prediction.search.plan)
		port_plan_give_back(w->prediction.search.plan, inode);
}

int
identify_row(struct identify *w, uint64_t inode)
{
	struct owner owner;

	if (!inode)
		return -1;
	if (listeners_have(&w->group, inode))
		return listeners_row(&w->group, inode);
	if (owners_find(w->owners, inode, &owner) <= 0 || owner.holders != 1)
		return -1;
	return tally_process(w->tally, owner.pid);
}

/* The row of the nearest ancestor that is in the group. */
static int
ancestor_row(const struct identify *w, pid_t pid)
{
	for (int i = 0; i < ANCESTORS_MAX && pid > 0; i++) {
		int row;

		pid = owner_parent(pid);
		row = pid > 0 ? tally_process_find(w->tally, pid) : -1;
		if (row >= 0 && w->tally->rows[row].listens)
			return row;
	}
	return -1;
}

/*
 * A worker that started after the last look at the group gets its own row, and
 * so do the others that started with it: see newcomer.c.
 */
static int
child_row(struct identify *w, pid_t pid, int64_t since,
    struct attempt_result *r)
{
	int row = ancestor_row(w, pid);

	if (row < 0)
		return -1;
	r->elsewhere = true;
	if (!listeners_held_by(&w->group, pid))
		return row;
	if (!tally_newcomer(w->tally, pid) &&
	    !owner_started_before(pid, since)) {
		r->newcomer = pid;
		return row;
	}
	r->elsewhere = false;
	row = tally_process(w->tally, pid);
	if (row >= 0)
		tally_joins(w->tally, pid, row);
	identify_follow(w, true);
	return row;
}

static int
holders_row(struct identify *w, const pid_t *pids, int count,
    int64_t since, struct attempt_result *r)
{
	int row = -1;

	for (int i = 0; i < count && row < 0; i++) {
		row = tally_process_find(w->tally, pids[i]);
		if (row >= 0 && !w->tally->rows[row].listens)
			row = -1;
	}
	for (int i = 0; i < count && row < 0; i++)
		row = child_row(w, pids[i], since, r);
	return row >= 0 ? row : tally_process(w->tally, pids[0]);
}

/* Reading /proc takes long: the server may have closed meanwhile. */
static bool
is_connection_over(struct identify *w, const struct addr *ours, const struct
    diag_sock *s)
{
	struct diag_sock now;

	return sock_diag_get(w->diag, w->protocol, &w->target, ours, &now) <=
	    0 ||
	    now.inode != s->inode;
}

/* Only reading all of /proc finds a new child of a server that forks. */
static enum observed
observe_holders(struct identify *w, const struct addr *ours,
    const struct diag_sock *s, int64_t since, struct attempt_result *r)
{
	pid_t pids[HOLDERS_MAX];
	int count = owners_holders(w->owners, s->inode, pids, HOLDERS_MAX);

	if (!count && is_connection_over(w, ours, s))
		return OBSERVED_GONE;
	if (!count) {
		w->uid = s->uid;
		w->hidden++;
		owners_refresh(w->owners);
		/* root sees every process, sooner or later */
		if (geteuid() && s->uid != geteuid())
			r->row = tally_user(w->tally, s->uid);
		return OBSERVED_HIDDEN;
	}
	w->seen = true;
	r->row = holders_row(w, pids, count < HOLDERS_MAX ? count :
	    HOLDERS_MAX, since, r);
	return r->row < 0 ? OBSERVED_HIDDEN : OBSERVED_FOUND;
}

/*
 * Whether the predicted process accepted it. Nearly always it did, and that is
 * checked without a search.
 */
static bool
is_as_predicted(struct identify *w, uint64_t inode, uint64_t predicted_inode,
    int *row)
{
	int expected = listeners_row(&w->group, predicted_inode);

	if (expected < 0 || !owners_held_by(w->owners, inode,
	    w->tally->rows[expected].pid))
		return false;
	w->seen = true;
	*row = expected;
	return true;
}

int
identify_observe(struct identify *w, const struct addr *ours,
    uint64_t predicted_inode, int64_t since, struct attempt_result *r)
{
	struct diag_sock s;
	int found = sock_diag_get(w->diag, w->protocol, &w->target, ours, &s);

	if (found < 0)
		return -1;
	if (!found || s.state == TCP_LISTEN || s.state == TCP_TIME_WAIT ||
	    s.state == TCP_CLOSE)
		return OBSERVED_GONE;
	if (s.inode && is_as_predicted(w, s.inode, predicted_inode, &r->row))
		return OBSERVED_FOUND;
	if (s.inode)
		return observe_holders(w, ours, &s, since, r);
	if (s.state == TCP_ESTABLISHED || s.state == TCP_CLOSE_WAIT)
		return OBSERVED_QUEUED;
	/* the kernel reports NEW_SYN_RECV as SYN_RECV */
	return s.state == TCP_SYN_RECV ? OBSERVED_DEFERRED : OBSERVED_GONE;
}

void
identify_answer(struct identify *w, const struct addr *ours,
    uint64_t predicted_inode, int64_t since, struct attempt_result *r)
{
	struct diag_sock s;

	r->replied = true;
	if (r->row < 0)
		identify_observe(w, ours, predicted_inode, since, r);
	if (r->row < 0 || r->newcomer || w->tally->rows[r->row].foreign ||
	    sock_diag_get(w->diag, w->protocol, &w->target, ours, &s) <= 0 ||
	    !s.inode || s.state == TCP_LISTEN)
		return;
	answer_find(&w->answers, w->tally, w->owners, s.inode, since, r);
}

bool
identify_is_deferred(struct identify *w, uint64_t predicted_inode)
{
	struct diag_sock *list;
	int count = identify_group(w, &list), seconds = -1;
	bool full = count <= 0;
	struct owner o;

	for (int i = 0; i < count && !full; i++)
		full = (!predicted_inode || list[i].inode == predicted_inode) &&
		    list[i].rqueue > list[i].wqueue;
	if (!predicted_inode && count > 0)
		predicted_inode = list[0].inode;
	if (count > 0 && owners_find(w->owners, predicted_inode, &o) > 0)
		seconds = pidfd_getsockopt(o.pid, o.fd, predicted_inode,
		    IPPROTO_TCP, TCP_DEFER_ACCEPT);
	free(list);
	return seconds > 0 || (seconds < 0 && !full);
}

bool
identify_wants_verifying(const struct identify *w)
{
	if (w->wanting)
		return w->group.count > 1;
	/* after a wrong one it goes on, unless that would slow a given rate */
	return w->prediction.record.wanted && w->group.count > 1 &&
	    !prediction_is_reliable(&w->prediction, w->group.count) &&
	    !(w->prediction.record.wrong && w->paced);
}

static uint64_t
identify_half_open(struct identify *w, const struct addr *ours)
{
	uint64_t inode = listeners_half_open(&w->group);
	struct diag_sock s;

	/* ours must still be half-open: then the listener is its own */
	return inode && sock_diag_get(w->diag, IPPROTO_TCP, &w->target, ours,
	    &s) > 0 && s.state == TCP_SYN_RECV ? inode : 0;
}

bool
identify_verify(struct identify *w, const struct addr *ours, uint64_t *inode)
{
	uint64_t seen = identify_half_open(w, ours);

	/* a wrong prediction voids all of them: look twice */
	if (seen && seen != *inode && identify_half_open(w, ours) != seen)
		seen = 0;
	if (!seen) {
		w->prediction.record.all_verified = false;
		return false;
	}
	w->prediction.record.wrong += seen != *inode;
	w->prediction.record.right += seen == *inode;
	*inode = seen;
	return true;
}

bool
identify_is_hopeful(const struct identify *w)
{
	return w->seen || w->hidden < HOPELESS_AFTER;
}

void
identify_compare(struct identify *w, uint64_t predicted_inode,
    struct attempt_result *r)
{
	int owner = identify_row(w, predicted_inode);
	int grown = r->newcomer ? tally_process_find(w->tally, r->newcomer) :
	    -1, row;

	if (grown >= 0) {
		r->row = grown;
		r->newcomer = 0;
		r->elsewhere = false;
	}
	if (r->newcomer)
		return;
	row = r->accepted >= 0 ? r->accepted : r->row;
	if (row >= 0 && w->tally->rows[row].foreign)
		return;
	if (row < 0) {
		w->prediction.record.wanted |= predicted_inode != 0;
		return;
	}
	/* if it was handed on, the prediction can't be checked */
	if (!w->tally->rows[row].listens)
		return;
	prediction_compare(&w->prediction, owner, row);
	listeners_observe(&w->group, predicted_inode, row);
}

int
identify_follow(struct identify *w, bool doubt)
{
	struct diag_sock *list;
	int count = identify_group(w, &list), changed = -1;

	if (count < 0)
		return -1;
	if (doubt)
		owners_refresh(w->owners);
	if (!listeners_differ(&w->group, list, count) &&
	    !listeners_moved(&w->group, w->tally, w->owners)) {
		free(list);
		return 0;
	}
	if (!doubt)
		owners_refresh(w->owners);
	if (listeners_follow(&w->group, w->tally, w->owners, list,
	    count) == 0)
		changed = 1;
	if (count > 0)
		w->uid = list[0].uid;
	w->prediction.record.wrong = 0;
	w->moved |= changed > 0;
	free(list);
	return changed;
}

void
identify_steered(struct identify *w)
{
	w->prediction.record.steered = true;
}

struct identified
identify_end(struct identify *w, struct tally *t)
{
	struct diag_sock *list;
	int count = identify_group(w, &list);
	bool known = t == w->tally ? listeners_complete(&w->group, t,
	    w->owners) : listeners_known(&w->group);
	struct identified found = {
		.known = known,
		.changed = w->moved ||
		    listeners_differ(&w->group, list, count),
		.hidden = (w->group.count && !known) ||
		    (w->hidden && !w->seen),
		.uid = w->uid, .record = w->prediction.record,
		.shared = listeners_are_shared(&w->group, t),
		.handed = tally_hands_on(t),
		.predicted = w->protocol == IPPROTO_UDP &&
		    w->group.count > 1,
		.sockets = w->group.count,
		.reliable = w->group.count > 0 && prediction_is_reliable(
		    &w->prediction, w->group.count),
	};

	if (t == w->tally)
		tally_newcomers_end(t);
	if (w->protocol == IPPROTO_TCP)
		found.voided = prediction_void(&w->prediction, t, &w->group,
		    list, count);
	listeners_ask(&w->group, t, list, count);
	free(list);
	listeners_weigh(&w->group, t);
	found.apart = true;
	for (int i = 0; i < t->count; i++)
		found.apart &= t->rows[i].sockets < 2;
	return found;
}

enum predicted
identified_predicted(const struct identified *g)
{
	if (g->record.wrong || g->record.steered)
		return PREDICTED_NOT;
	return g->reliable ? PREDICTED_SURE : PREDICTED_UNSURE;
}

int
identified_steered(const struct identified *g)
{
	if (g->record.steered || (g->record.wrong && !g->changed))
		return 1;
	return g->reliable && g->apart && g->sockets > 1 && !g->changed ? 0 :
	    -1;
}

enum knowledge
identified_knowledge(const struct identified *g)
{
	if (g->predicted)
		return KNOW_PREDICTED;
	if (g->handed)
		return KNOW_SHARED;
	if (g->known)
		return g->shared ? KNOW_SHARED : KNOW_ALL;
	return g->hidden ? KNOW_NOTHING : KNOW_SOME;
}
