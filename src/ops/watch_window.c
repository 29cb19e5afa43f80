/*
 * The members that a watched load meets. How it works. The load's tally counts
 * everything. Each of its rows has a watch_row with its earlier counts, so that
 * a change shows. Each look finds the members again. If they have changed,
 * judging starts again, with the attempts that start from then on. So it does
 * if attempts were queued, and their members accept again.
 *
 *	a row is		a member if
 *	known by the kernel	its process accepts from a socket of the group
 *	--by registry		its slot is a member's
 *	known by a name		it has answered, and not missed so many answers
 *				since that chance can't be the reason
 *
 * A watch may run for days while members come and go. The rows of the KEPT
 * members that left last are kept; those that left earlier are summed in one
 * row.
 */
#include "ops/watch_window.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fail.h"
#include "group/steer/reconcile.h"
#include "kernel/sock_owner.h"

enum {
	KEPT = 32,			/* rows kept of members that left */
	SILENT = 20,			/* missed answers that show a silence;
					 * answers that show there is none */
};

static int
window_grow(struct watch_window *v)
{
	int count = v->load->tally.count;
	struct watch_row *s = v->at;

	if (count <= v->count)
		return 0;
	s = realloc(s, (size_t)count * sizeof(*s));
	if (!s)
		return fail("probe");
	memset(s + v->count, 0, (size_t)(count - v->count) *
	    sizeof(*s));
	v->at = s;
	v->count = count;
	return 0;
}

/* A member that does not accept has clients that wait, until it accepts. */
static void
window_count_waits(struct watch_window *v, const struct attempt_result *r)
{
	if (r->outcome == OUT_QUEUED && r->predicted >= 0 && !v->shared) {
		v->at[r->predicted].waits = r->number;
	} else if (r->outcome == OUT_QUEUED) {
		v->waits = r->number;
		v->passed = 0;
	} else if (r->outcome == OUT_OK) {
		v->passed += r->number > v->waits;
		if (r->row >= 0 && r->number > v->at[r->row].waits)
			v->at[r->row].waits = 0;
	}
}

void
watch_window_count(struct watch_window *v, const struct attempt_result *r)
{
	bool ok = r->outcome == OUT_OK;

	if (window_grow(v) < 0)
		return;
	if (ok && r->row >= 0)
		v->at[r->row].heard = v->load->tally.out[OUT_OK];
	if (r->number > v->first) {
		if (ok && r->row >= 0)
			v->at[r->row].count++;
		else if (ok && r->predicted >= 0)
			v->at[r->predicted].predicted++;
		else if (r->outcome == OUT_QUEUED && r->predicted >= 0)
			v->at[r->predicted].queued++;
		v->queued += r->outcome == OUT_QUEUED;
		window_count_waits(v, r);
	}
}

/* Whether a process answered that is not yet known as a member. */
static bool
has_unknown_server(const struct watch_window *v)
{
	const struct tally *t = &v->load->tally;

	for (int i = 0; i < v->count; i++)
		if (!v->at[i].member && row_total(&t->rows[i]) >
		    v->at[i].seen)
			return true;
	return false;
}

bool
watch_window_are_names(const struct watch_window *v)
{
	enum by by = v->load->shared.by;

	return by == BY_BANNER || by == BY_REPLY;
}

/* Copies the tally's rows, with the counts since members changed. */
static int
window_recent_fill(struct watch_window *v)
{
	const struct tally *from = &v->load->tally;
	struct tally *t = &v->recent;
	bool registry = v->load->shared.by == BY_REGISTRY;

	free(t->rows);
	*t = *from;
	t->room = t->count;
	t->out[OUT_QUEUED] = v->queued;
	t->rows = calloc((size_t)t->count + 1, sizeof(*t->rows));
	if (!t->rows)
		return fail("probe");
	for (int i = 0; i < t->count; i++) {
		const struct watch_row *s = &v->at[i];
		struct row *row = &t->rows[i];

		*row = from->rows[i];
		row->at = i;
		row->count = registry ? row->count - s->base : s->count;
		row->predicted = s->predicted;
		row->queued = s->queued;
		memset(row->latency, 0, sizeof(row->latency));
	}
	memset(t->latency, 0, sizeof(t->latency));
	return 0;
}

/* Sets the weights of the rows of `recent`. */
static enum knowledge
window_weigh(struct watch_window *v)
{
	const struct attempt_shared *s = &v->load->shared;
	struct identified found;

	if (s->by == BY_REGISTRY)
		return KNOW_ALL;
	if (watch_window_are_names(v))
		return v->shared || verdict_hosts(&v->load->tally) > 1 ?
		    KNOW_SHARED : KNOW_SOME;
	if (!s->identify || s->by == BY_NONE)
		return KNOW_NOTHING;
	found = identify_end(s->identify, &v->recent);
	v->shared = found.shared;
	return identified_knowledge(&found);
}

static int
window_member_count(const struct watch_window *v)
{
	int n = 0;

	for (int i = 0; i < v->count; i++)
		n += v->at[i].member;
	return n;
}

static bool
is_still_heard(const struct watch_window *v, int i)
{
	const struct watch_row *s = &v->at[i];
	uint64_t answers = v->load->tally.out[OUT_OK];
	int others = window_member_count(v);

	return s->heard && answers - s->heard <=
	    (uint64_t)SILENT * (uint64_t)(others ? others : 1);
}

/*
 * Whether all members accept again. A queue is first in, first out: if a later
 * attempt is accepted, the earlier ones are, too. If it is not known which queue
 * it was, none of many attempts has come to it.
 */
static bool
window_is_served(const struct watch_window *v)
{
	int members = window_member_count(v);

	if (!v->queued || (v->waits && v->passed <=
	    (uint64_t)SILENT * (uint64_t)(members ? members : 1)))
		return false;
	for (int i = 0; i < v->count; i++)
		if (v->at[i].waits)
			return false;
	return true;
}

/*
 * Finds the members. Returns whether they, or the number of their sockets, have
 * changed.
 */
static bool
window_find_members(struct watch_window *v)
{
	const struct tally *t = &v->recent;
	bool changed = false;
	double weights = 0;

	for (int i = 0; i < v->count; i++)
		v->at[i].now = watch_window_are_names(v) && is_still_heard(v,
		    i);
	for (int i = 0; i < t->count && !watch_window_are_names(v); i++) {
		v->at[t->rows[i].at].now = t->rows[i].weight > 0;
		weights += t->rows[i].weight;
	}
	for (int i = 0; i < v->count; i++)
		changed |= v->at[i].now != v->at[i].member;
	changed |= fabs(weights - v->weights) > 0.5;
	v->weights = weights;
	return changed;
}

static const char *
row_state(const struct row *r)
{
	int state = r->pid > 0 && !r->self_named ? owner_state(r->pid) : 0;

	if (!state)
		return NULL;
	if (state < 0 || state == 'Z' || state == 'X')
		return "gone";
	return owner_state_is_stopped(state) ? "stopped" : "running";
}

void
watch_window_show(const struct watch_window *v, int i, struct watch_member *out)
{
	const struct row *r = &v->load->tally.rows[i];

	*out = (struct watch_member){
		.who = row_member(r), .state = row_state(r),
		.count = row_total(r),
		.predicted = r->predicted, .queued = r->queued,
		.share = NAN, .expected = NAN, .rate = v->at[i].rate,
	};
}

/* Adds "+ D" to the text of the last change. */
static void
change_add(struct watch_window *v, const struct member *m, bool came)
{
	size_t length = strlen(v->change);
	char *to = v->change + length;

	if (length > WATCH_WINDOW_CHANGE / 2)
		return;
	to += sprintf(to, "%s%c ", length ? ", " : "", came ? '+' : '-');
	length = WATCH_WINDOW_CHANGE - (size_t)(to - v->change);
	if (m->name && m->worker >= 0)
		snprintf(to, length, "%.24s/%lld", m->name,
		    (long long)m->worker);
	else if (m->name)
		snprintf(to, length, "%.24s", m->name);
	else
		snprintf(to, length, "pid %lld", (long long)m->pid);
}

static void
changes_report(struct watch_window *v)
{
	int count = 0;

	v->change[0] = '\0';
	for (int i = 0; i < v->count; i++)
		count += v->at[i].now;
	for (int came = 0; came <= 1; came++)
		for (int i = 0; i < v->count; i++) {
			const struct watch_row *s = &v->at[i];
			struct watch_member now;

			if (s->now == s->member || s->now != came)
				continue;
			watch_window_show(v, i, &now);
			change_add(v, &now.who, came);
			v->on_change(v, &now, came, count);
		}
}

static void
window_members_take(struct watch_window *v)
{
	int64_t now = clock_ns();

	for (int i = 0; i < v->count; i++) {
		struct watch_row *s = &v->at[i];

		s->left = s->now ? 0 : s->member ? now : s->left;
		s->member = s->now;
	}
	if (watch_window_are_names(v))
		v->shared = load_is_shared(v->load);
}

/* Starts judging again, with attempts that start from now on. */
static void
window_restart(struct watch_window *v)
{
	const struct tally *t = &v->load->tally;

	for (int i = 0; i < v->count; i++) {
		struct watch_row *s = &v->at[i];

		s->count = s->predicted = s->queued = s->waits = 0;
		s->base = t->rows[i].count;
	}
	for (int i = 0; i < v->recent.count; i++) {
		struct row *r = &v->recent.rows[i];

		r->count = r->predicted = r->queued = 0;
	}
	v->queued = v->waits = v->recent.out[OUT_QUEUED] = 0;
	v->first = v->load->schedule.begun;
}

/* "+ D at 12:01:03" */
static void
change_time_add(struct watch_window *v, bool served)
{
	size_t length = strlen(v->change);
	time_t now = time(NULL);
	struct tm tm;

	v->changed_at = clock_ns();
	if (!length)
		length = (size_t)snprintf(v->change, WATCH_WINDOW_CHANGE, "%s",
		    v->load->steered ? "another steering" :
		    served ? "all accept again" : "other sockets");
	if (localtime_r(&now, &tm))
		strftime(v->change + length, WATCH_WINDOW_CHANGE - length,
		    " at %T", &tm);
}

static void
steering_report(struct watch_window *v)
{
	char text[MODE_TEXT];

	v->on_steering(v, mode_text(
	    &registry_shared(v->load->counts.registry)->steering, text));
}

/* Reports changes and restarts judging; the first look is no change. */
static void
window_change(struct watch_window *v, bool served)
{
	if (v->observed) {
		changes_report(v);
		if (v->load->steered)
			steering_report(v);
	}
	window_members_take(v);
	if (v->observed) {
		window_restart(v);
		change_time_add(v, served);
	}
}

/* Removes the rows of `recent` that are neither a member's nor counted. */
static void
window_recent_trim(struct watch_window *v)
{
	struct tally *t = &v->recent;
	int kept = 0;

	for (int i = 0; i < t->count; i++) {
		const struct row *r = &t->rows[i];

		if (!r->unused && (v->at[r->at].member || row_total(r) ||
		    r->queued || r->failed))
			t->rows[kept++] = *r;
	}
	t->count = kept;
}

static void
window_rates_fill(struct watch_window *v, double seconds)
{
	for (int i = 0; i < v->count; i++) {
		struct watch_row *s = &v->at[i];
		uint64_t all = row_total(&v->load->tally.rows[i]);

		s->rate = all < s->seen ? NAN :
		    (double)(all - s->seen) / seconds;
		s->seen = all;
	}
}

/*
 * The row of the member that left first, if more than KEPT have left and no
 * attempt refers to it; otherwise -1.
 */
static int
window_forgettable(struct watch_window *v)
{
	int first = -1, count = 0;

	for (int i = 0; i < v->count; i++) {
		struct row *r = &v->load->tally.rows[i];
		struct watch_row *s = &v->at[i];

		if (s->member || r->unused || i + 1 == v->load->tally.earlier ||
		    load_refers_to(v->load, i))
			continue;
		if (!r->self_named && (r->pid <= 0 || owner_state(r->pid) >= 0))
			continue;
		r->gone = !r->self_named;
		if (!s->left)
			s->left = clock_ns();
		count++;
		if (first < 0 || s->left < v->at[first].left)
			first = i;
	}
	return count > KEPT ? first : -1;
}

int
watch_window_forget(struct watch_window *v)
{
	int row;

	while ((row = window_forgettable(v)) >= 0) {
		if (tally_forget(&v->load->tally, row) < 0)
			return fail("probe");
		registry_counts_forget(&v->load->counts, row);
		v->at[row] = (struct watch_row){ 0 };
	}
	return window_grow(v);
}

int
watch_window_observe(struct watch_window *v, double seconds,
    enum knowledge *known)
{
	struct load *l = v->load;
	bool others, served;

	load_follow(l, has_unknown_server(v));
	if (l->shared.by != BY_REGISTRY && l->identify)
		registry_counts_name(&l->counts, &l->tally);
	if (window_grow(v) < 0 || window_recent_fill(v) < 0)
		return -1;
	*known = window_weigh(v);
	others = window_find_members(v);
	served = window_is_served(v);
	window_rates_fill(v, seconds);
	if (others || l->steered || served)
		window_change(v, served && !others);
	window_recent_trim(v);
	v->observed = true;
	return 0;
}

void
watch_window_free(struct watch_window *v)
{
	free(v->recent.rows);
	free(v->at);
}
