/*
 * The time line of --during. Each attempt counts in the interval in which it
 * was due. When the intervals run out, neighbours are merged two by two, and
 * the width doubles. A good answer is one of an attempt that is not lost, and is
 * the one expected. Changes of members are kept one by one, up to a limit.
 */
#include "probe/stats/timeline.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"

enum { WIDTH_NS = 50 * 1000 * 1000 };

static void
interval_merge(struct interval *into, const struct interval *from)
{
	into->attempts += from->attempts;
	into->slow += from->slow;
	losses_add(&into->lost, &from->lost);
	if (from->longest > into->longest)
		into->longest = from->longest;
}

/* Merges neighbours, two by two. */
static void
timeline_halve(struct timeline *t)
{
	for (int i = 0; i < t->count; i++) {
		struct interval one = t->at[i];

		t->at[i] = (struct interval){ 0 };
		interval_merge(&t->at[i / 2], &one);
	}
	t->count = (t->count + 1) / 2;
	t->width *= 2;
}

static struct interval *
interval_at(struct timeline *t, int64_t when)
{
	int64_t at;

	if (!t->width)
		t->width = WIDTH_NS;
	while ((at = (when - t->from) / t->width) >= TIMELINE_INTERVALS)
		timeline_halve(t);
	if (at < 0)
		at = 0;
	if (at >= t->count)
		t->count = (int)at + 1;
	return &t->at[at];
}

/* Whether the attempt failed for want of our own resources. */
static bool
is_own_failure(const struct attempt_result *r)
{
	return r->outcome == OUT_OTHER && (r->error == EADDRNOTAVAIL ||
	    r->error == EADDRINUSE || r->error == EMFILE ||
	    r->error == ENFILE || r->error == ENOBUFS || r->error == ENOMEM);
}

/* The counter of this kind of loss; NULL: it is no loss. */
static uint64_t *
loss_counter(struct probe_losses *l, enum outcome outcome)
{
	static const enum loss_kind kinds[OUTCOMES] = {
		[OUT_REFUSED] = LOSS_REFUSED,
		[OUT_RESET] = LOSS_RESET, [OUT_ENDED] = LOSS_ENDED,
		[OUT_TIMEOUT] = LOSS_TIMEOUT, [OUT_QUEUED] = LOSS_TIMEOUT,
		[OUT_PROXY] = LOSS_PROXY, [OUT_TLS] = LOSS_TLS,
		[OUT_ANSWER] = LOSS_ANSWER, [OUT_OTHER] = LOSS_OTHER,
	};

	return outcome == OUT_OK ? NULL : &l->at[kinds[outcome]];
}

static void
interval_add_kept(struct timeline *t, struct interval *i,
    const struct attempt_result *r)
{
	t->unproven += r->unproven;
	if (r->took < 0)
		return;
	i->slow += r->took > t->slow_ns;
	t->slow += r->took > t->slow_ns;
	if (r->took > i->longest)
		i->longest = r->took;
}

static void
timeline_add_answer(struct timeline *t, const struct attempt_result *r)
{
	int64_t due = r->started + t->hold_ns;

	if (due > t->due)
		t->due = due;
	if (r->outcome == OUT_OK && r->answered && !r->unproven)
		gap_add(&t->gap, r->answered);
}

int
timeline_begin(struct timeline *t, int64_t first)
{
	t->from = first;
	return gap_begin(&t->gap, first + t->hold_ns);
}

void
timeline_resume(struct timeline *t, int64_t when)
{
	if (t->gap.kept)
		gap_restart(&t->gap, when);
}

void
timeline_add(struct timeline *t, const struct attempt_result *r)
{
	struct interval *i;
	uint64_t *loss;

	if (is_own_failure(r)) {
		t->untried++;
		timeline_resume(t, clock_ns());
		return;
	}
	timeline_add_answer(t, r);
	i = interval_at(t, r->started);
	i->attempts++;
	loss = loss_counter(&i->lost, r->outcome);
	if (loss) {
		++*loss;
		++*loss_counter(&t->lost, r->outcome);
	} else {
		interval_add_kept(t, i, r);
	}
}

void
timeline_change(struct timeline *t, const struct row *r, bool came)
{
	struct member_change *c;

	if (!t->changes)
		t->changes = calloc(TIMELINE_CHANGES, sizeof(*t->changes));
	if (!t->changes || t->change_count == TIMELINE_CHANGES) {
		t->unlisted++;
		return;
	}
	c = &t->changes[t->change_count++];
	c->when = clock_ns();
	c->came = came;
	c->pid = r->pid;
	c->waiting = came ? -1 : r->waiting;
	memcpy(c->name, r->name, sizeof(c->name));
	memcpy(c->command, r->command, sizeof(c->command));
}

static double
timeline_seconds(const struct timeline *t, int64_t when)
{
	return (double)(when - t->from) / 1e9;
}

static void
interval_report(const struct timeline *t, int at, struct probe_interval *out)
{
	const struct interval *i = &t->at[at];

	*out = (struct probe_interval){
		.at = (double)(at * t->width) / 1e9, .attempts = i->attempts,
		.slow = i->slow, .lost = i->lost,
		.longest = i->longest ? (double)i->longest / 1e9 : NAN,
	};
}

static void
change_report(const struct timeline *t, int at, struct probe_change *out)
{
	const struct member_change *c = &t->changes[at];

	*out = (struct probe_change){
		.at = timeline_seconds(t, c->when), .kind = c->came ? "joined" :
		    "left",
		.name = c->name[0] ? c->name : NULL,
		.command = c->command[0] ? c->command : NULL,
		.pid = c->pid > 0 ? c->pid : -1, .waiting = c->waiting,
	};
}

/* Without any attempt there is no gap. */
static void
gap_report(struct timeline *t, struct probe_during *out)
{
	out->longest_gap = out->longest_gap_at = NAN;
	if (!t->gap.kept || !t->due)
		return;
	gap_end(&t->gap, t->due);
	out->longest_gap = (double)t->gap.longest / 1e9;
	if (t->gap.longest)
		out->longest_gap_at = timeline_seconds(t, t->gap.from);
}

int
timeline_report(struct timeline *t, struct probe_during *out)
{
	t->intervals = calloc((size_t)t->count + 1, sizeof(*t->intervals));
	t->changed = calloc((size_t)t->change_count + 1, sizeof(*t->changed));
	if (!t->intervals || !t->changed)
		return fail("report");
	for (int i = 0; i < t->count; i++)
		interval_report(t, i, &t->intervals[i]);
	for (int i = 0; i < t->change_count; i++)
		change_report(t, i, &t->changed[i]);
	gap_report(t, out);
	out->hold = t->hold_ns ? (double)t->hold_ns / 1e9 : NAN;
	out->lost = losses_sum(&t->lost);
	out->losses = &t->lost;
	out->untried = t->untried;
	out->unproven = t->unproven;
	out->slow = t->slow;
	out->slow_after = (double)t->slow_ns / 1e9;
	out->interval = (double)t->width / 1e9;
	out->intervals = t->intervals;
	out->interval_count = (size_t)t->count;
	out->changes = t->changed;
	out->change_count = (size_t)t->change_count;
	out->unlisted = t->unlisted;
	return 0;
}

void
timeline_free(struct timeline *t)
{
	gap_free(&t->gap);
	free(t->changes);
	free(t->intervals);
	free(t->changed);
}
