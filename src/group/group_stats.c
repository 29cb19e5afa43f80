/*
 * Fills in the scoreboard of a port (report/scoreboard.h).
 *
 * How it works. Counts are judged since the group last changed. fingerprint()
 * of each member says whether it did: another member, another state or another
 * steering begins a new `base`, and each member counts from there. Only members
 * of rpnc report counts, so only these are judged. If no fair count exists (one
 * queue for all, a steering that is not random), `unjudged` says why.
 */
#include "group/group_stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "group/registry/spare_request.h"
#include "math/fair.h"

enum { SAMPLE_US = 1000 * 1000 };

/* A hash of what decides a member's share: its identity and its state. */
static uint64_t
fingerprint(struct registry *r, const struct port_member *m)
{
	bool full = request_of(r, m->inode) ||
	    (m->slot >= 0 && m->state == STATE_FULL);
	uint64_t h = (uint64_t)m->pid << 32 ^ m->inode ^
	    (uint64_t)(m->slot + 2) << 20 ^ (uint64_t)full << 19;

	h = (h ^ h >> 31) * 0x7fb5d329728ea185u;
	return h ^ h >> 29;
}

/* A hash of the group: the members, in any order, and the steering. */
static uint64_t
group_of(struct registry *r, const struct members *m)
{
	uint64_t sum = 1 + (uint64_t)registry_shared(r)->steering.serial;

	for (int i = 0; i < m->count; i++)
		sum += fingerprint(r, &m->list[i]);
	return sum;
}

/*
 * Connections that the kernel gave a member: accepted ones and queued ones. A
 * datagram queue is in bytes, so it is left out.
 */
static uint64_t
stats_given(const struct port_member *m, bool datagram)
{
	return m->counters.accepted + (datagram ? 0 : m->queue);
}

/* At the first look all that our own slot counts is of this group. */
static void
stats_rebase(struct group_stats *s, int own, bool datagram)
{
	memset(s->base, 0, sizeof(s->base));
	for (int i = 0; i < s->members.count; i++) {
		const struct port_member *m = &s->members.list[i];

		if (m->slot >= 0 && (s->group || m->slot != own))
			s->base[m->slot] = stats_given(m, datagram);
	}
}

static uint64_t
counted_since(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static const char *
state_of(struct registry *r, const struct port_member *m)
{
	if (request_of(r, m->inode))
		return "quarantined";
	if (owner_state_is_stopped(m->process_state))
		return "stopped";
	return m->slot < 0 ? NULL : state_name(m->state);
}

/* Workers that wait on the same sockets have one queue. */
static bool
is_shared(struct registry *r, const struct members *m)
{
	const struct slot *first = NULL;

	for (int i = 0; i < m->count; i++) {
		const struct slot *s;

		if (m->list[i].slot < 0)
			continue;
		s = registry_slot(r, m->list[i].slot);
		if (first && s->inodes[0] == first->inodes[0])
			return true;
		first = s;
	}
	return false;
}

/* The same as long as the member lives. */
static uint64_t
member_key(const struct port_member *m)
{
	return (uint64_t)m->pid << 32 ^ m->inode ^ (uint64_t)(m->slot + 2) << 20;
}

static void
stats_row_fill(const struct group_stats *s, struct registry *registry,
    const struct port_member *m, int own, bool datagram, struct member_row *r)
{
	bool ours = m->slot >= 0, self = ours && m->slot == own;

	*r = (struct member_row){
		.name = ours && (!self || s->scoreboard.name) ? m->name : NULL,
		.command = m->command, .own = self,
		.state = self && s->closed ? state_name(STATE_AWAY) :
		    state_of(registry, m),
		.pid = m->pid ? m->pid : -1, .accepted = -1, .since = -1,
		.rate = NAN,
		.open = m->pid && !datagram ? (int64_t)m->open : -1,
		.queue = m->sockets ? (int64_t)m->queue : -1,
		.limit = m->sockets && !datagram ? (int64_t)m->limit : -1,
		.drops = m->sockets ? (int64_t)m->drops : -1,
	};
	if (!ours)
		return;
	r->track = rate_history_find(&s->history, member_key(m));
	r->accepted = (int64_t)m->counters.accepted;
	r->open = (int64_t)counted_since(m->counters.accepted,
	    m->counters.closed);
	r->since = (int64_t)counted_since(stats_given(m, datagram),
	    s->base[m->slot]);
	/* the queue is first in, first out: older clients leave first */
	r->since_queued = r->since - (int64_t)counted_since(
	    m->counters.accepted, s->base[m->slot]);
}

static void
stats_sum_up(struct scoreboard *b)
{
	b->accepted = b->open = b->queue = 0;
	for (size_t i = 0; i < b->count; i++) {
		const struct member_row *r = &b->rows[i];

		b->accepted += r->accepted > 0 ? (uint64_t)r->accepted : 0;
		b->open += r->open > 0 ? (uint64_t)r->open : 0;
		b->queue += r->queue > 0 ? (uint64_t)r->queue : 0;
	}
}

static bool
stats_same(const double *values, int n)
{
	for (int i = 1; i < n; i++)
		if (fabs(values[i] - values[0]) > 1e-9)
			return false;
	return true;
}

/*
 * Foreign members don't report counts; judge only ours: their joint total is
 * still split evenly.
 */
static void
stats_judge(struct group_stats *s)
{
	uint64_t counts[REGISTRY_SLOTS];
	double weights[REGISTRY_SLOTS];
	struct member_fairness *f = &s->fairness;
	struct fair fair;
	int k = 0;

	*f = (struct member_fairness){ 0 };
	for (int i = 0; i < s->members.count && k < REGISTRY_SLOTS; i++) {
		const struct port_member *m = &s->members.list[i];

		if (m->slot < 0)
			continue;
		weights[k] = s->rows[i].expected;
		counts[k++] = (uint64_t)s->rows[i].since;
		f->queued += (uint64_t)s->rows[i].since_queued;
	}
	if (k < 2 || fair_test(counts, weights, k, &fair) < 0)
		return;
	f->n = fair.n;
	f->members = k;
	f->equal = stats_same(weights, k);
	f->spread = fair.expected_spread_99;
	f->p = fair.p;
	f->verdict = fair_verdict_name(fair.verdict);
	s->scoreboard.fairness = f;
}

/* The share of new connections that each member should get. */
static void
stats_expect(struct group_stats *s, struct registry *r)
{
	double sum = 0;

	for (int i = 0; i < s->members.count; i++) {
		const struct port_member *m = &s->members.list[i];

		s->rows[i].expected = mode_weight(r, m->slot);
		sum += s->rows[i].expected;
	}
	for (int i = 0; sum > 0 && i < s->members.count; i++)
		s->rows[i].expected /= sum;
}

/* How evenly open connections are distributed, which is what least is for. */
static const char *
open_spread(struct group_stats *s)
{
	int64_t most = 0, sum = 0;
	int k = 0;

	for (int i = 0; i < s->members.count; i++) {
		int64_t open = s->rows[i].open;

		if (open < 0)
			continue;
		k++;
		sum += open;
		most = open > most ? open : most;
	}
	if (!sum)
		return "the fewest open connections decide: none is open";
	snprintf(s->spread, sizeof(s->spread), "the fewest open connections "
	    "decide: %lld at most, %.3g on average", (long long)most,
	    (double)sum / k);
	return s->spread;
}

/* A mode is not judged if it is not random, or if it changes all the time. */
static void
steering_of(struct group_stats *s, struct registry *r)
{
	const struct steering *now = &registry_shared(r)->steering;
	enum steer_mode mode = mode_of(now);

	s->scoreboard.steering = mode == STEER_HASH ? NULL :
	    mode_text(now, s->steering);
	if (mode == STEER_CPU || mode == STEER_PORT || mode == STEER_ADDRESS ||
	    mode == STEER_BYTE)
		s->scoreboard.unjudged =
		    "by this steering the clients decide the shares";
	if (mode == STEER_LEAST)
		s->scoreboard.unjudged = open_spread(s);
	for (int i = 0; i < s->members.count; i++)
		if (s->members.list[i].slot >= 0 &&
		    s->members.list[i].state == STATE_FULL)
			s->scoreboard.unjudged =
			    "a full member gets nothing for now";
	if (request_any(r))
		s->scoreboard.unjudged =
		    "a quarantined member gets nothing for now";
}

/* If all share one queue, it stands in the totals, not in a member's row. */
static void
share_queue(struct group_stats *s)
{
	for (int i = 0; i < s->members.count; i++)
		s->rows[i].queue = s->rows[i].limit = s->rows[i].drops = -1;
	s->scoreboard.unjudged = "one queue for all: a free member accepts, "
	    "nothing is hashed";
}

/* The order of the rows: A, A/0, A/1, A/10, B, then foreign members. */
static int
by_name(const void *left, const void *right)
{
	const struct port_member *a = left, *b = right;

	if ((a->slot < 0) != (b->slot < 0))
		return a->slot < 0 ? 1 : -1;
	if (a->slot >= 0)
		return strverscmp(a->name, b->name);
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return a->inode < b->inode ? -1 : a->inode > b->inode;
}

static void
subject_fill(const struct group_stats *s, int i, bool datagram,
    struct finding_member *to)
{
	const struct member_row *r = &s->rows[i];

	*to = (struct finding_member){
		.who = {
			.name = r->name, .command = r->command, .pid = r->pid,
			.worker = -1, .uid = -1,
		},
		.state = r->state, .expected = NAN,
		.waiting = datagram ? -1 : r->queue,
	};
	if (s->members.list[i].slot < 0 || !s->scoreboard.fairness)
		return;
	to->count = (uint64_t)r->since;
	to->expected = r->expected * (double)s->fairness.n;
}

/* Makes the findings from the rows of the table. */
static int
stats_find(struct group_stats *s, bool datagram)
{
	size_t n = s->scoreboard.count;
	struct finding_member *subjects = calloc(n + 1, sizeof(*subjects));
	struct finding_facts facts = {
		.members = subjects, .member_count = n, .running = true,
		.unjudged = s->scoreboard.unjudged, .failure = "failed",
	};

	if (!subjects)
		return fail("members");
	for (size_t i = 0; i < n; i++)
		subject_fill(s, (int)i, datagram, &subjects[i]);
	if (s->scoreboard.fairness && s->fairness.n) {
		facts.verdict = s->fairness.verdict;
		facts.judged = s->fairness.n;
		facts.p = s->fairness.p;
	}
	finding_make(&s->findings, &facts);
	s->scoreboard.findings = &s->findings;
	free(subjects);
	return 0;
}

int
group_stats_take(struct group_stats *s, struct registry *r, struct members *m,
    int own, bool datagram)
{
	uint64_t group = group_of(r, m);

	free(s->members.list);
	free(s->rows);
	s->members = *m;
	if (m->count)
		qsort(m->list, (size_t)m->count, sizeof(*m->list), by_name);
	s->scoreboard.count = 0;
	s->rows = calloc((size_t)m->count + 1, sizeof(*s->rows));
	if (!s->rows)
		return fail("members");
	if (group != s->group)
		stats_rebase(s, own, datagram);
	s->group = group;
	for (int i = 0; i < m->count; i++)
		stats_row_fill(s, r, &m->list[i], own, datagram, &s->rows[i]);
	s->scoreboard.rows = s->rows;
	s->scoreboard.count = (size_t)m->count;
	s->scoreboard.fairness = NULL;
	s->scoreboard.unjudged = s->multicast ?
	    "each member gets every datagram of a multicast group" : NULL;
	s->scoreboard.rates = s->rates;
	s->scoreboard.period = SAMPLE_US / 1e6;
	if (!s->sampled)
		s->scoreboard.rate = NAN;
	stats_sum_up(&s->scoreboard);
	stats_expect(s, r);
	steering_of(s, r);
	if (is_shared(r, m))
		share_queue(s);
	else if (!s->scoreboard.unjudged)
		stats_judge(s);
	for (int i = 0; i < m->count && !s->scoreboard.fairness; i++)
		if (m->list[i].slot < 0 && !s->scoreboard.unjudged)
			s->scoreboard.unjudged =
			    "not all members are rpnc's: their "
			    "counts are not known, 'rpnc probe' finds them";
	return stats_find(s, datagram);
}

static bool
stats_expect_the_same(const struct group_stats *s)
{
	for (int i = 1; i < s->members.count; i++)
		if (fabs(s->rows[i].expected - s->rows[0].expected) > 1e-9)
			return false;
	return true;
}

const char *
group_stats_shares(const struct group_stats *s, struct registry *r,
    char text[static SHARES_TEXT])
{
	bool same = stats_expect_the_same(s);
	double sum = 0;
	int used = 0;

	for (int i = 0; i < s->members.count; i++)
		sum += s->rows[i].expected;
	if (mode_of(&registry_shared(r)->steering) != STEER_WEIGHTS ||
	    !(sum > 0))
		return NULL;
	for (int i = 0; i < s->members.count; i++) {
		const char *name = s->rows[i].name;

		if (used > SHARES_TEXT - 80) {
			snprintf(text + used, SHARES_TEXT - (size_t)used,
			    ", ...");
			break;
		}
		used += snprintf(text + used, SHARES_TEXT - (size_t)used,
		    "%s%s %.3g %%%s", i ? ", " : "", name ? name :
		    "a foreign one", 100 * s->rows[i].expected, !same &&
		    mode_weight_is_default(r, s->members.list[i].slot) ?
		    " (default weight)" : "");
	}
	return text;
}

/* Of rpnc's members only the counts are known. */
static void
stats_track(struct group_stats *s, double seconds)
{
	for (int i = 0; i < s->members.count; i++) {
		const struct member_row *r = &s->rows[i];

		if (r->accepted >= 0)
			rate_history_add(&s->history, member_key(
			    &s->members.list[i]), (uint64_t)r->accepted,
			    seconds, r->state &&
			    strcmp(r->state, "stopped") == 0);
	}
	rate_history_forget(&s->history);
}

void
group_stats_sample(struct group_stats *s, int64_t now)
{
	struct scoreboard *b = &s->scoreboard;

	if (s->sampled && now - s->sampled < SAMPLE_US)
		return;
	stats_track(s, s->sampled ? (double)(now - s->sampled) / 1e6 : 0);
	if (s->sampled) {
		b->rate = (double)counted_since(b->accepted, s->sample) * 1e6 /
		    (double)(now - s->sampled);
		if (b->rate_count == SCORE_RATES)
			memmove(s->rates, s->rates + 1,
			    --b->rate_count * sizeof(*s->rates));
		s->rates[b->rate_count++] = b->rate;
	}
	s->sample = b->accepted;
	s->sampled = now;
}

void
group_stats_free(struct group_stats *s)
{
	free(s->members.list);
	free(s->rows);
	rate_history_free(&s->history);
	s->members.list = NULL;
	s->rows = NULL;
}
