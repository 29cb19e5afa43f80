/*
 * How it works: verdict_make() compares the rows' counts with their weights, by
 * what is known about the group (enum knowledge); verdict_conclude() makes
 * sentences of it.
 */
#include "probe/stats/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

enum { FAILURES_TEXT = 480 };

int
verdict_hosts(const struct tally *t)
{
	const char *first = NULL;

	for (int i = 0; i < t->count; i++) {
		const char *host = t->rows[i].host;

		if (host[0] && first && strcmp(host, first) != 0)
			return 2;
		if (host[0])
			first = host;
	}
	return first != NULL;
}

/* By host; A before Z before AA, then those without a name by pid. */
static int
row_order(const void *a, const void *b)
{
	const struct row *l = *(struct row *const *)a;
	const struct row *r = *(struct row *const *)b;
	size_t lengths[2] = { strlen(l->name), strlen(r->name) };
	int order = strcmp(l->name, r->name), hosts = strcmp(l->host, r->host);

	if (hosts)
		return hosts;
	if (!lengths[0] != !lengths[1])
		return lengths[0] ? -1 : 1;
	if (lengths[0] != lengths[1])
		return lengths[0] < lengths[1] ? -1 : 1;
	if (order)
		return order;
	if (l->worker != r->worker)
		return l->worker < r->worker ? -1 : 1;
	return l->pid < r->pid ? -1 : l->pid > r->pid;
}

/*
 * If a process answered that is no member, the group is not fully known: then
 * the rows that answered are judged, and there may be more.
 */
static enum knowledge
verdict_knowledge(struct tally *t, enum knowledge knowledge)
{
	bool stray = knowledge == KNOW_SOME;

	for (int i = 0; i < t->count; i++)
		if (t->rows[i].foreign && knowledge < KNOW_GIVEN)
			return KNOW_NOTHING;
	for (int i = 0; i < t->count; i++)
		stray |= !(t->rows[i].weight > 0) && row_total(&t->rows[i]);
	if (knowledge >= KNOW_GIVEN || !stray)
		return knowledge;
	for (int i = 0; i < t->count; i++)
		t->rows[i].weight = row_total(&t->rows[i]) > 0;
	return KNOW_SOME;
}

static void
verdict_expect(struct verdict *s, const struct tally *t, uint64_t total, bool
    judged)
{
	double weights = 0;

	for (int i = 0; i < t->count; i++)
		weights += t->rows[i].weight;
	for (int i = 0; i < t->count; i++) {
		struct probe_member *m = &s->members[i];
		const struct row *r = s->order[i];

		m->share = total ? (double)m->count / (double)total : NAN;
		m->expected = judged && weights > 0 ?
		    (double)total * (r ? r->weight : 0) / weights : NAN;
	}
}

/*
 * Attempts without a row, if there are over 5 %. They may not be spread like
 * the others: a server that closes at once is missed more often, and a server
 * that does not answer gets its share, too.
 */
static uint64_t
verdict_missing(const struct tally *t)
{
	uint64_t n = t->unattributed + t->out[OUT_RESET] +
	    t->out[OUT_TIMEOUT] + t->out[OUT_ENDED] + t->out[OUT_ANSWER];

	return n * 20 > t->out[OUT_OK] ? n : 0;
}

static int
verdict_judge(struct verdict *s, const struct tally *t, enum knowledge
    knowledge, bool changed)
{
	struct probe_fairness *f = &s->fairness;
	size_t k = (size_t)t->count;
	uint64_t *counts = calloc(k, sizeof(*counts));
	double *weights = calloc(k, sizeof(*weights));
	struct fair fair = { 0 };
	bool is_final = !changed && !t->out[OUT_QUEUED] && !s->missing;
	int result = -1;

	f->equal = true;
	for (size_t i = 0; counts && weights && i < k; i++) {
		counts[i] = s->members[i].count;
		weights[i] = s->order[i] ? s->order[i]->weight : 0;
		f->equal &= fabs(weights[i] - weights[0]) < 1e-9;
	}
	if (counts && weights)
		result = fair_test(counts, weights, t->count, &fair);
	free(counts);
	free(weights);
	if (result < 0)
		return fail("fairness");
	s->verdict = changed ? FAIR_CHANGED : is_final ? fair.verdict :
	    FAIR_UNCLEAR;
	if (is_final)
		s->chance = fmin(fair.p, fair.silent_p);
	f->chi2 = fair.chi2;
	f->dof = fair.dof;
	f->p = fair.p;
	f->verdict = fair_verdict_name(s->verdict);
	f->at_least = knowledge == KNOW_SOME;
	f->expects = !changed && !t->out[OUT_QUEUED];
	f->spread = fair.expected_spread_99;
	f->deviation = fair.largest_deviation;
	f->deviant = fair.largest;
	f->enough = fair.n_enough;
	f->needed = fair.n_for_10pct;
	s->report.fairness = f;
	return 0;
}

static void
verdict_member_fill(struct probe_member *m, struct latencies *latency,
    const struct group_flags *flags, const struct tally *t,
    const struct row *r)
{
	*m = (struct probe_member){
		.who = row_member(r), .count = row_total(r),
		.predicted = r->predicted, .queued = r->queued,
		.failed = r->failed, .latency = latency,
		.sockets = r->sockets ? r->sockets : -1,
		.stopped = r->asked ? r->stopped : -1,
		.waiting = r->asked ? r->waiting : -1,
		.answered = t->replied ? (int64_t)row_answered(r) : -1,
		.handed = t->replied ? (int64_t)r->handed : -1,
		.due = -1, .unanswered = -1, .flags = flags->names,
	};
	for (int i = 0; i < LATENCIES; i++)
		latency->at[i] = r->latency[i];
}

static int
verdict_members_fill(struct verdict *s, struct tally *t, uint64_t *total)
{
	size_t k = (size_t)t->count;

	s->order = calloc(k + 1, sizeof(struct row *));
	s->members = calloc(k + 1, sizeof(*s->members));
	s->member_latency = calloc(k + 1, sizeof(*s->member_latency));
	s->member_flags = calloc(k + 1, sizeof(*s->member_flags));
	if (!s->order || !s->members || !s->member_latency || !s->member_flags)
		return fail("report");
	for (size_t i = 0; i < k; i++)
		s->order[i] = &t->rows[i];
	qsort(s->order, k, sizeof(struct row *), row_order);
	for (size_t i = 0; i < k; i++) {
		verdict_member_fill(&s->members[i], &s->member_latency[i],
		    &s->member_flags[i], t, s->order[i]);
		*total += s->members[i].count;
		s->report.predicted += s->members[i].predicted;
	}
	s->report.members = s->members;
	s->report.member_count = k;
	s->report.flags = s->flags.names;
	s->report.steered = -1;
	return 0;
}

static void
verdict_totals_fill(struct verdict *s, const struct tally *t)
{
	struct probe_report *r = &s->report;

	s->failed = tally_failures(t);
	for (int i = 0; i < LATENCIES; i++)
		s->latency.at[i] = t->latency[i];
	r->overlap = NAN;
	r->attempts = t->attempts;
	r->ok = t->out[OUT_OK];
	r->queued = t->out[OUT_QUEUED];
	r->unattributed = t->unattributed;
	r->mismatched = t->mismatched;
	r->abandoned = t->abandoned;
	r->failed = &s->failed;
	s->tls = t->tls;
	s->tls.alpn = t->alpn[0] ? t->alpn : NULL;
	r->tls = s->tls.handshakes ? &s->tls : NULL;
	r->latency = &s->latency;
	r->target = &s->target;
	s->missing = verdict_missing(t);
}

static void
finding_member_fill(struct finding_member *to, const struct probe_member *m)
{
	*to = (struct finding_member){
		.who = m->who, .count = m->count,
		.state = m->stopped == 1 ? "stopped" : NULL,
		.stuck = m->queued > 0, .waiting = m->waiting,
		.silent = m->flags[0] != NULL,
		.due = m->due > 0 ? (uint64_t)m->due : 0,
		.expected = m->expected,
	};
}

static void
failures_text_add(char text[static FAILURES_TEXT], const char *name,
    uint64_t n, const char *reason)
{
	size_t used = strlen(text);

	if (n)
		snprintf(text + used, FAILURES_TEXT - used, "%s%s %llu%s%s",
		    used ? ", " : "", name, (unsigned long long)n,
		    reason ? ": " : "", reason ? reason : "");
}

static void
losses_text(const struct probe_losses *l, char text[static FAILURES_TEXT])
{
	for (int i = 0; i < LOSSES; i++)
		failures_text_add(text, i == LOSS_ENDED ?
		    "ended before the reply" : loss_names[i], l->at[i], NULL);
}

/* "refused 10, reset 2" */
static void
failures_text(const struct probe_report *r, char text[static FAILURES_TEXT])
{
	const struct probe_failures *f = r->failed;

	text[0] = '\0';
	if (r->during) {
		losses_text(r->during->losses, text);
		return;
	}
	for (int i = 0; i < FAILURES; i++)
		failures_text_add(text, failure_names[i], f->at[i],
		    f->reason[i]);
}

/* Attempts after which a deviation of this size could not be chance. */
static uint64_t
verdict_needed(const struct verdict *s, uint64_t judged)
{
	const struct probe_fairness *f = s->report.fairness;
	double share;
	uint64_t n;

	if (f->deviant < 0 || !judged)
		return 0;
	share = s->members[f->deviant].expected / (double)judged;
	n = fair_needed((int)f->dof + 1, share, f->deviation);
	return n > 2 * judged ? n : 2 * judged;
}

static void
verdict_facts_fill(struct finding_facts *to, const struct verdict *s)
{
	const struct probe_report *r = &s->report;

	*to = (struct finding_facts){
		.member_count = r->member_count, .attempts = r->attempts,
		.failed = failures_sum(r->failed),
		.failure = "failed", .queued = r->queued,
		.mismatched = r->mismatched, .missing = s->missing,
		.p = s->chance,
		.steered = r->steered == 1, .steering = r->steering,
	};
	if (r->during) {
		to->failure = "lost";
		to->failed = r->during->lost;
		to->attempts -= r->during->untried;
	}
	for (size_t i = 0; i < r->member_count; i++)
		to->judged += r->members[i].count;
	if (!r->fairness)
		return;
	to->verdict = r->fairness->verdict;
	to->at_least = r->fairness->at_least;
	to->enough = r->fairness->enough;
	to->needed = verdict_needed(s, to->judged);
}

void
verdict_blame(struct verdict *s, enum predicted predicted)
{
	int k = (int)s->report.member_count;
	struct blame *all = calloc((size_t)k + 1, sizeof(*all));

	for (int i = 0; all && i < k; i++)
		all[i] = s->order[i]->blame;
	for (int i = 0; all && i < k && predicted != PREDICTED_NOT; i++) {
		s->members[i].due = (int64_t)all[i].due;
		s->members[i].unanswered = (int64_t)all[i].unanswered;
		if (!blame_is_silent(all, k, i, predicted))
			continue;
		group_flag_set(&s->member_flags[i], GROUP_SILENT);
		group_flags_add(&s->flags, &s->member_flags[i]);
	}
	free(all);
}

void
verdict_steered(struct verdict *s, int64_t steered)
{
	s->report.steered = steered;
	if (steered == 1)
		group_flag_set(&s->flags, GROUP_STEERED);
}

int
verdict_conclude(struct verdict *s, const char *unjudged, bool running)
{
	struct finding_member *subjects = calloc(s->report.member_count + 1,
	    sizeof(*subjects));
	struct finding_facts facts;
	char how[FAILURES_TEXT];

	if (!subjects)
		return fail("report");
	for (size_t i = 0; i < s->report.member_count; i++)
		finding_member_fill(&subjects[i], &s->members[i]);
	failures_text(&s->report, how);
	verdict_facts_fill(&facts, s);
	facts.members = subjects;
	facts.how = how[0] ? how : NULL;
	facts.absent = s->absent;
	facts.unlisted = s->unlisted;
	facts.unjudged = unjudged;
	facts.running = running;
	finding_make(&s->findings, &facts);
	if (s->findings.idle)
		s->fairness.expects = false;
	s->report.findings = &s->findings;
	s->report.finding = s->findings.count ? s->findings.at : NULL;
	s->report.verdict = s->findings.count ? s->findings.at->kind : NULL;
	free(subjects);
	return 0;
}

int
verdict_make(struct verdict *s, struct tally *t, enum knowledge knowledge,
    bool changed)
{
	uint64_t total = 0;
	bool judged;

	*s = (struct verdict){ .verdict = FAIR_TOO_FEW, .chance = 1 };
	knowledge = verdict_knowledge(t, knowledge);
	verdict_totals_fill(s, t);
	if (verdict_members_fill(s, t, &total) < 0)
		return -1;
	judged = knowledge < KNOW_SHARED && total > 0;
	verdict_expect(s, t, total, judged);
	return judged ? verdict_judge(s, t, knowledge, changed) : 0;
}

void
verdict_free(struct verdict *s)
{
	free(s->order);
	free(s->members);
	free(s->member_latency);
	free(s->member_flags);
}
