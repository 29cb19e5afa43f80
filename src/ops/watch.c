/*
 * A load that runs on and is reported at intervals. Each look ends an interval,
 * which has its own counts and latencies. There are three sets of counts:
 *
 *	load's tally		everything since the start
 *	window.recent		what is judged: since members last changed
 *	now, last		this interval, and the one before
 */
#include "ops/watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "net/sock.h"

enum { FEW = 5 };		/* a member that expects fewer: no verdict */

void
watch_count(struct watch *m, const struct attempt_result *result)
{
	struct attempt_result r = *result;

	watch_window_count(&m->window, &r);
	r.row = r.predicted = r.accepted = r.due = -1;
	tally_add(&m->now, &r);
}

/* Few counts would need a simulated distribution, which delays attempts. */
static bool
watch_is_few(const struct tally *t)
{
	double sum = 0, least = INFINITY;
	uint64_t n = 0;

	for (int i = 0; i < t->count; i++) {
		const struct row *r = &t->rows[i];
		double weight = r->weight > 0 ? r->weight : row_total(r) > 0;

		n += row_total(r);
		sum += weight;
		if (weight > 0)
			least = fmin(least, weight);
	}
	return !n || (double)n * least < FEW * sum;
}

static int
watch_judge(struct watch *m, enum knowledge known)
{
	const struct attempt_shared *s = &m->window.load->shared;
	struct tally *t = &m->window.recent;
	struct expected_shares *x = &m->expect;
	int count = t->count;
	bool changed = false;

	*x = (struct expected_shares){
	    .given = m->weights,
	    .local = sock_is_local(&s->target),
	    .weighed = s->by != BY_NONE && !watch_window_are_names(&m->window),
	};
	m->predicted = known == KNOW_PREDICTED;
	if (expected_shares_apply(x, &m->window.load->counts, t, &known,
	    &changed) < 0)
		return -1;
	if (changed && known < KNOW_GIVEN)
		known = KNOW_NOTHING;	/* the next look begins anew */
	for (int i = count; i < t->count; i++)
		t->rows[i].at = -1;
	m->few = known < KNOW_SHARED && watch_is_few(t);
	verdict_free(&m->verdict);
	if (verdict_make(&m->verdict, t, m->few ? KNOW_NOTHING : known,
	    false) < 0)
		return -1;
	return verdict_conclude(&m->verdict, NULL, true);
}

/* A hash of what tells members apart. */
static uint64_t
watch_key(const struct member *m)
{
	const char *const texts[] = { m->name, m->host };
	uint64_t h = (uint64_t)m->pid << 32 ^ (uint64_t)m->worker ^
	    (uint64_t)m->uid << 16;

	for (int i = 0; i < 2; i++, h *= 0x100000001b3u)
		for (const char *c = texts[i] ? texts[i] : ""; *c; c++)
			h = (h ^ (unsigned char)*c) * 0x100000001b3u;
	return h;
}

static void
watch_track(struct watch *m, struct watch_member *to, double seconds)
{
	uint64_t key = watch_key(&to->who);
	bool stopped = to->state && strcmp(to->state, "stopped") == 0;

	rate_history_add(&m->history, key, to->count, seconds, stopped);
	to->track = rate_history_find(&m->history, key);
}

static int
watch_members_fill(struct watch *m, double seconds)
{
	const struct verdict *s = &m->verdict;
	struct watch_report *r = &m->report;
	size_t count = s->report.member_count;
	uint64_t shown = 0, all = 0;

	free(m->members);
	m->members = calloc(count + 1, sizeof(*m->members));
	if (!m->members)
		return fail("probe");
	r->judged = 0;
	for (size_t i = 0; i < count; i++) {
		const struct probe_member *from = &s->members[i];
		struct watch_member *to = &m->members[i];

		if (s->order[i]->at >= 0) {
			watch_window_show(&m->window, s->order[i]->at, to);
			watch_track(m, to, seconds);
		} else {
			*to = (struct watch_member){
				.who = {
					.name = from->who.name,
					.pid = from->who.pid,
					.worker = from->who.worker, .uid = -1,
				},
			};
		}
		to->since = from->count;
		to->share = from->share;
		to->expected = from->expected;
		r->judged += to->since;
		shown += to->count;
	}
	for (int i = 0; i < m->window.load->tally.count; i++)
		all += row_total(&m->window.load->tally.rows[i]);
	rate_history_forget(&m->history);
	r->left = all - shown;
	r->members = m->members;
	r->member_count = count;
	return 0;
}

/* The interval's latencies are shown until the next look. */
static void
watch_latencies_take(struct watch *m)
{
	for (int i = 0; i < LATENCIES; i++) {
		struct hist *h = m->last[i];

		m->last[i] = m->now.latency[i];
		m->latency.at[i] = m->last[i];
		m->now.latency[i] = h;
		if (h)
			hist_init(h);
	}
}

/* Reports the interval, and starts a new one. */
static void
interval_end(struct watch *m, double seconds)
{
	uint64_t skipped = m->window.load->schedule.skipped;
	struct tally *t = &m->now;
	struct watch_now *now = &m->part;

	watch_latencies_take(m);
	m->now_failed = tally_failures(t);
	*now = (struct watch_now){
		.seconds = seconds, .rate = (double)t->attempts / seconds,
		.attempts = t->attempts, .ok = t->out[OUT_OK],
		.queued = t->out[OUT_QUEUED],
		.skipped = skipped - m->skipped,
		.failed = &m->now_failed, .latency = &m->latency,
	};
	m->skipped = skipped;
	if (m->rate_count == WATCH_RATES)
		memmove(m->rates, m->rates + 1, --m->rate_count *
		    sizeof(*m->rates));
	if (m->report.command)		/* the first interval is short */
		m->history.period = seconds;
	if (m->report.command)
		m->rates[m->rate_count++] = now->rate;
	t->attempts = 0;
	memset(t->out, 0, sizeof(t->out));
}

/* Starts an interval; returns the seconds of the one before. */
static double
interval_begin(struct watch *m)
{
	int64_t before = m->window.observed ? m->observed_at :
	    m->window.load->schedule.started;

	m->observed_at = clock_ns();
	return (double)(m->observed_at - before) / 1e9;
}

/* With --by registry only sums are known, not single attempts. */
static uint64_t
watch_unattributed(const struct watch *m)
{
	const struct tally *t = &m->window.load->tally;
	uint64_t sum = 0, ok = t->out[OUT_OK];

	if (m->window.load->shared.by != BY_REGISTRY)
		return t->unattributed;
	for (int i = 0; i < t->count; i++)
		sum += row_total(&t->rows[i]);
	return sum < ok ? ok - sum : 0;
}

/* Why there is no verdict, or what it rests on; NULL: no note. */
static const char *
watch_note(const struct watch *m)
{
	if (m->predicted)
		return "only the hash predicts which member got a datagram: "
		    "no verdict";
	if (tally_hands_on(&m->window.load->tally))
		return "one process accepts and another one answers: "
		    "no verdict";
	if (m->window.shared)
		return "several processes share one socket: no hash, "
		    "no verdict";
	if (m->few)
		return "too few yet for a verdict";
	if (m->expect.unjudged[0])
		return m->expect.unjudged;
	return m->expect.note[0] ? m->expect.note : NULL;
}

static void
watch_report_fill(struct watch *m)
{
	const struct watch_window *v = &m->window;
	const struct load *l = v->load;
	const struct tally *t = &l->tally;
	struct watch_report *r = &m->report;

	m->target = load_target(l);
	m->failed = tally_failures(t);
	r->command = "watch";
	r->target = &m->target;
	r->by = load_by(l);
	r->loop = l->plan->rate ? "open" : "closed";
	r->steering = m->expect.steering[0] ? m->expect.steering : NULL;
	r->seconds = (double)(m->observed_at - l->schedule.started) / 1e9;
	r->attempts = t->attempts;
	r->ok = t->out[OUT_OK];
	r->queued = t->out[OUT_QUEUED];
	r->unattributed = watch_unattributed(m);
	r->mismatched = t->mismatched;
	r->skipped = l->schedule.skipped;
	r->failed = &m->failed;
	r->now = &m->part;
	r->steady = v->changed_at ? fmax(0, (double)(m->observed_at -
	    v->changed_at) / 1e9) : NAN;
	r->fairness = m->verdict.report.fairness;
	r->asked = l->plan->rate;
	r->concurrency = l->plan->concurrency;
	r->rates = m->rates;
	r->rate_count = m->rate_count;
	r->period = m->history.period;
	r->note = watch_note(m);
	r->finding = m->verdict.findings.count ? m->verdict.findings.at : NULL;
	r->verdict = r->finding ? r->finding->kind : NULL;
	r->change = v->changed_at ? v->change : NULL;
}

int
watch_observe(struct watch *m)
{
	const struct load *l = m->window.load;
	enum knowledge known;
	double seconds;

	if (!l->shared.target.len || l->schedule.scouting)
		return 0;
	seconds = interval_begin(m);
	if (watch_window_observe(&m->window, seconds, &known) < 0 ||
	    watch_judge(m, known) < 0 || watch_members_fill(m, seconds) < 0)
		return -1;
	interval_end(m, seconds);
	watch_report_fill(m);
	return watch_window_forget(&m->window) < 0 ? -1 : 1;
}

void
watch_free(struct watch *m)
{
	verdict_free(&m->verdict);
	for (int i = 0; i < LATENCIES; i++) {
		free(m->now.latency[i]);
		free(m->last[i]);
	}
	free(m->members);
	rate_history_free(&m->history);
	watch_window_free(&m->window);
}
