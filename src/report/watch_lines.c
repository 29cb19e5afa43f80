/*
 * The lines of --watch's screen in their order, except the members. A line that
 * has nothing to say is empty. watch_screen.c drops lines by their rank if the
 * screen is too low.
 */
#include "report/watch_lines.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "report/fairness.h"
#include "report/plot.h"
#include "report/quantile.h"

enum {
	NARROW = 70,			/* short sentences below this */
	SPARKS = 60,
	LABEL = 9,			/* "connect  " */
};

/* Adds a part to the line, if there is room for it. */
static void
line_add(const struct watch_page *p, char *line, const char *between,
    const char *part)
{
	table_line_add(line, WATCH_LINE, p->style.columns, between, part);
}

static void
title_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	const struct watch_report *r = p->report;
	char part[TARGET_TEXT], text[TARGET_TEXT], seconds[NUM_TEXT];

	snprintf(line, WATCH_LINE, "%s %s", target_text(r->target, text),
	    r->target->protocol);
	if (r->target->proxy)
		line_add(p, line, " through ", r->target->proxy);
	if (r->by) {
		snprintf(part, sizeof(part), "%zu member%s", r->member_count,
		    plural(r->member_count));
		line_add(p, line, "  ", part);
	}
	snprintf(part, sizeof(part), "%llu attempt%s in %s",
	    (unsigned long long)r->attempts, plural(r->attempts),
	    age_text((int64_t)r->seconds, seconds));
	line_add(p, line, "  ", part);
	if (r->by && strcmp(r->by, "diag") != 0) {
		snprintf(part, sizeof(part), "by %s", r->by);
		line_add(p, line, "  ", part);
	}
}

static void
rate_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	const struct watch_report *r = p->report;
	size_t n = r->rate_count < SPARKS ? r->rate_count : SPARKS;
	int room;
	char part[64], spark[SPARK_TEXT(SPARKS)], number[NUM_TEXT];

	snprintf(line, WATCH_LINE, "%-*s%s/s", LABEL, "rate",
	    rate_text(r->now->rate, number));
	if (r->asked > 0) {
		snprintf(part, sizeof(part), "of %g", r->asked);
		line_add(p, line, " ", part);
	}
	room = p->style.columns - table_cells(line) - 2;
	if (room < (int)n)
		n = room > 0 ? (size_t)room : 0;
	if (n)
		line_add(p, line, "  ", spark_text(r->rates + r->rate_count - n,
		    n, spark));
}

static void
line_add_count(const struct watch_page *p, char *line, bool *some,
    const char *name, uint64_t n)
{
	char part[64];

	if (!n)
		return;
	snprintf(part, sizeof(part), "%s %llu", name, (unsigned long long)n);
	line_add(p, line, *some ? ", " : ": ", part);
	*some = true;
}

/* Adds each reason that there is; returns whether there is any. */
static bool
line_add_failures(const struct watch_page *p, char *line,
    const struct probe_failures *f)
{
	bool some = false;

	for (int i = 0; i < FAILURES; i++)
		line_add_count(p, line, &some, failure_names[i], f->at[i]);
	return some;
}

static void
failed_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	const struct probe_failures *now = p->report->now->failed;
	const struct probe_failures *all = p->report->failed;
	char part[64];
	bool some;

	snprintf(line, WATCH_LINE, "%-*snow %llu", LABEL, "failed",
	    (unsigned long long)failures_sum(now));
	some = line_add_failures(p, line, now);
	snprintf(part, sizeof(part), "in all %llu",
	    (unsigned long long)failures_sum(all));
	line_add(p, line, some ? "; " : ", ", part);
	line_add_failures(p, line, all);
}

static void
now_and_all_line(const struct watch_page *p, char *line, const char *name,
    uint64_t now, uint64_t all, const char *meaning)
{
	if (!all)
		return;
	snprintf(line, WATCH_LINE, "%-*snow %llu, in all %llu", LABEL, name,
	    (unsigned long long)now, (unsigned long long)all);
	line_add(p, line, ": ", meaning);
}

static void
queued_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	now_and_all_line(p, line, "queued", p->report->now->queued,
	    p->report->queued, "nobody accepted them");
}

static void
skipped_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	now_and_all_line(p, line, "late", p->report->now->skipped,
	    p->report->skipped, "over 0.1 s, so they were dropped");
}

static void
unattributed_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	const struct watch_report *r = p->report;

	if (!r->unattributed || !r->by)
		return;
	snprintf(line, WATCH_LINE, "%llu unattributed",
	    (unsigned long long)r->unattributed);
	line_add(p, line, ": ", "who answered is not known");
}

static void
mismatched_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	const struct watch_report *r = p->report;

	if (!r->mismatched)
		return;
	snprintf(line, WATCH_LINE, "%llu mismatched",
	    (unsigned long long)r->mismatched);
	line_add(p, line, ": ", "the answer was not the one expected");
}

static void
latency_line(const struct watch_page *p, char *line, enum latency which)
{
	const struct watch_now *now = p->report->now;
	const struct hist *h = now->latency->at[which];
	char part[64], text[NUM_TEXT];

	if (!h || !h->count)
		return;
	snprintf(line, WATCH_LINE, "%-*s", LABEL - 2, latency_names[which]);
	for (int i = 0; i < QUANTILES; i++)
		if (*quantile_text(h, i, part))
			line_add(p, line, "  ", part);
	snprintf(part, sizeof(part), "of the last %s",
	    seconds_text(now->seconds, text));
	line_add(p, line, "   ", part);
}

static void
connect_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	latency_line(p, line, LATENCY_CONNECT);
}

static void
proxy_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	latency_line(p, line, LATENCY_PROXY);
}

static void
accept_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	latency_line(p, line, LATENCY_ACCEPT);
}

static void
tls_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	latency_line(p, line, LATENCY_TLS);
}

static void
echo_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	latency_line(p, line, LATENCY_ECHO);
}

static void
reply_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	latency_line(p, line, LATENCY_REPLY);
}

/* Without a finding there is a note that says why. */
static void
finding_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	const struct finding *f = p->report->finding;
	char text[FINDING_TEXT];

	if (f)
		line_add(p, line, "", finding_fit(f, p->style.columns, text));
	else if (p->report->note)
		line_add(p, line, "", p->report->note);
}

static enum color
finding_line_color(const struct watch_report *r)
{
	return r->finding ? finding_color(r->finding->kind) : PLAIN;
}

/* "+ D at 12:01:03, 340 since: the verdict is about these" */
static void
change_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	const struct watch_report *r = p->report;
	char part[64];

	if (!r->change)
		return;
	table_plain(r->change, line);
	snprintf(part, sizeof(part), "%llu since", (unsigned long long)
	    r->judged);
	line_add(p, line, ", ", part);
	line_add(p, line, ": ", "the verdict is about these");
}

/* "fair hashing gives 39 ± 13 each (99 %), p 0.57"; shorter if narrow */
static void
fair_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	const struct watch_report *r = p->report;
	const struct probe_fairness *f = r->fairness;
	bool narrow = p->style.columns < NARROW;
	char by[FAIR_TEXT], text[FAIR_TEXT], chance[64] = "";

	if (!f || !f->expects || !r->judged || r->member_count < 2)
		return;
	snprintf(by, sizeof(by), "%s%s", f->at_least ? "at least these: " : "",
	    r->steering ? "this steering" : "fair hashing");
	if (isfinite(f->chi2))
		snprintf(chance, sizeof(chance), ", p %.2g", f->p);
	line_add(p, line, "", fair_text(by, f->equal ?
	    r->members[0].expected : NAN, f->spread, narrow, text));
	if (*line)
		line_add(p, line, "", chance);
}

static void
note_line(const struct watch_page *p, char line[static WATCH_LINE])
{
	if (p->report->note && p->report->finding)
		line_add(p, line, "", p->report->note);
}

static enum color
always_bold(const struct watch_report *r)
{
	(void)r;
	return BOLD;
}

static enum color
always_plain(const struct watch_report *r)
{
	(void)r;
	return PLAIN;
}

static enum color
always_red(const struct watch_report *r)
{
	(void)r;
	return RED;
}

static enum color
failed_color(const struct watch_report *r)
{
	return failures_sum(r->now->failed) ? RED : PLAIN;
}

static enum color
queued_color(const struct watch_report *r)
{
	return r->now->queued ? RED : PLAIN;
}

/* The members stand after the first three lines. */
const struct watch_line watch_lines[WATCH_LINES] = {
	{ 0, title_line, always_bold },
	{ 11, finding_line, finding_line_color },
	{ 7, rate_line, always_plain },
	{ 5, change_line, always_plain },
	{ 9, fair_line, always_plain },
	{ 3, note_line, always_plain },
	{ 10, failed_line, failed_color },
	{ 6, queued_line, queued_color },
	{ 4, skipped_line, always_plain },
	{ 2, unattributed_line, always_plain },
	{ 2, mismatched_line, always_red },
	{ 8, connect_line, always_plain },
	{ 7, proxy_line, always_plain },
	{ 7, accept_line, always_plain },
	{ 7, tls_line, always_plain },
	{ 8, echo_line, always_plain },
	{ 8, reply_line, always_plain },
};
