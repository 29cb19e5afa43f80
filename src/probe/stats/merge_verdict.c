/* The verdict on the sum of all reports. */
#include "probe/stats/merge.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "net/resolve.h"

static const double OVERLAP_ENOUGH = 0.9;

static void merge_note(struct merge *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
merge_note(struct merge *m, const char *format, ...)
{
	va_list args;

	if (m->note_count == MERGE_NOTES)
		return;
	va_start(args, format);
	vsnprintf(m->note[m->note_count], MERGE_NOTE, format, args);
	va_end(args);
	m->notes[m->note_count] = m->note[m->note_count];
	m->note_count++;
}

static bool
is_of_several(const struct merge *m)
{
	return m->target.mixed || m->name.mixed || m->port.mixed ||
	    m->protocol.mixed;
}

static void
merge_address_fill(struct merge *m)
{
	struct endpoint e = { .numeric = true };
	char *words[] = { m->target.text, m->port.text };
	struct addr_list list;

	if (is_of_several(m) || !m->target.text[0])
		return;
	e.datagram = strstr(m->protocol.text, "udp") != NULL;
	/* a link-local address may need an interface that isn't here */
	if (endpoint_parse(&e, m->port.text[0] ? 2 : 1, words) < 0 ||
	    resolve(&e, 0, &list) < 1)
		return;
	m->address = list.at[0];
	addr_list_free(&list);
}

static void
merge_note_verdicts(struct merge *m)
{
	char all[MERGE_NOTE] = "";
	size_t used = 0;

	for (int v = 0; v <= FAIR_CHANGED; v++)
		if (m->verdicts[v])
			used += (size_t)snprintf(all + used,
			    sizeof(all) - used, "%s%llu %s", used ? ", " : "",
			    (unsigned long long)m->verdicts[v],
			    fair_verdict_name((enum fair_verdict)v));
	if (used)
		merge_note(m, "verdicts of the single reports: %.150s", all);
}

static void
merge_note_labels(struct merge *m)
{
	const struct labels *l = &m->parted;
	char all[MERGE_NOTE] = "";

	for (size_t i = 0; i < l->count; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s",
		    i ? ", " : "", l->at[i].name);
	if (l->count)
		merge_note(m, "labels that differ between the reports are left "
		    "out: %.120s", all);
}

/*
 * How much of the longest run all runs were at the same time, by their clocks;
 * NAN: there is one, or that is not known.
 */
static double
merge_overlap(const struct merge *m)
{
	const struct merge_times *t = &m->times;
	double both = (double)(t->first_end - t->last_start);

	if (t->unknown || m->reports < 2)
		return NAN;
	if (t->longest == 0)
		return both < 0 ? 0 : t->overlap;
	return fmin(fmax(both, 0) / (double)t->longest, t->overlap);
}

/* Runs of one host that follow each other are meant to. */
static void
merge_note_overlap(struct merge *m, double overlap)
{
	if (!(overlap < OVERLAP_ENOUGH) || (overlap <= 0 && !m->host.mixed))
		return;
	if (overlap > 0)
		merge_note(m, "all runs were at the same time for only %.0f %% "
		    "of the longest one", floor(overlap * 100));
	else
		merge_note(m, "at no time did all of these run: some had ended "
		    "before others began");
	if (!m->clockless && !m->clock.synchronized)
		merge_note(m, "a host's clock is not synchronized: so this may "
		    "be wrong");
}

static void
merge_times_fill(struct merge *m, struct probe_report *r)
{
	struct merge_times *t = &m->times;

	r->overlap = merge_overlap(m);
	merge_note_overlap(m, r->overlap);
	r->clock = m->clockless ? NULL : &m->clock;
	if (t->unknown)
		return;
	r->started_at = time_text(t->first, t->first_text);
	r->ended_at = time_text(t->last, t->last_text);
}

/* Whether all reports are of one group. */
static enum knowledge
merge_knowledge(struct merge *m)
{
	double weights = 0;

	for (int i = 0; i < m->tally.count; i++)
		weights += m->tally.rows[i].weight;
	if (is_of_several(m) || (m->host.mixed && !m->at_least)) {
		m->why = "these are reports of several groups";
		return KNOW_NOTHING;
	}
	if (m->unjudged || !(weights > 0)) {
		if (m->tally.count)
			m->why = "not every report has one";
		return KNOW_NOTHING;
	}
	if (m->at_least && verdict_hosts(&m->tally) > 1) {
		m->why = "several hosts answer, no one hash deals "
		    "connections out to them";
		return KNOW_SHARED;
	}
	if (m->at_least)
		return KNOW_SOME;
	m->changed |= m->fewest != m->tally.count;
	return KNOW_GIVEN;
}

/* If all rows are of one host, the report names it once. */
static void
merge_forget_host(struct merge *m)
{
	for (int i = 0; i < m->tally.count && !m->host.mixed; i++) {
		struct row *r = &m->tally.rows[i];

		if (merge_is_own(m->by.text) && strcmp(r->host, m->host.text) ==
		    0)
			r->host[0] = '\0';
	}
}

static const char *
merge_word_text(const struct merge_word *w)
{
	return w->mixed ? "mixed" : w->text[0] ? w->text : NULL;
}

/* NULL if the reports differ. */
static const char *
merge_word_one(const struct merge_word *w)
{
	return w->mixed ? NULL : merge_word_text(w);
}

static void
merge_target_fill(struct merge *m, struct probe_target *t)
{
	int64_t port;

	merge_address_fill(m);
	*t = target_direct(m->address.len ? &m->address : NULL,
	    merge_word_text(&m->protocol));
	t->proxy = merge_word_text(&m->proxy);
	if (is_of_several(m) || !m->name.text[0] ||
	    num_parse(m->port.text, 1, 65535, &port) < 0)
		return;
	t->name = m->name.text;
	t->port = port;
}

int
merge_judge(struct merge *m, struct verdict *s)
{
	enum knowledge known = merge_knowledge(m);
	struct probe_report *r = &s->report;

	if (m->reports > 1)
		merge_note_verdicts(m);
	merge_note_labels(m);
	merge_forget_host(m);
	m->tally.tls.version = merge_word_one(&m->version);
	m->tally.tls.cipher = merge_word_one(&m->cipher);
	if (!m->alpn.mixed)
		snprintf(m->tally.alpn, TALLY_ALPN, "%.63s", m->alpn.text);
	if (verdict_make(s, &m->tally, known, m->changed) < 0)
		return -1;
	verdict_blame(s, m->blameless ? PREDICTED_NOT : PREDICTED_UNSURE);
	verdict_steered(s, m->steered ? 1 : m->steering_open ? -1 : 0);
	merge_target_fill(m, &s->target);
	r->command = "probe";
	r->by = merge_word_text(&m->by);
	r->loop = merge_word_text(&m->loop);
	r->host = m->host.mixed ? NULL : merge_word_text(&m->host);
	r->steering = merge_word_text(&m->steering);
	r->reports = m->reports;
	r->labels = &m->labels;
	merge_times_fill(m, r);
	r->seconds = m->seconds;
	r->notes = m->notes;
	return verdict_conclude(s, m->why, true);
}
