/*
 * A probe's report for people, in this order: the heading, the findings, the
 * members, what fair hashing gives, --what-if, the latencies, the counts of
 * attempts that did not simply succeed, notes, with -v what the figures rest
 * on, and the time line of --during.
 */
#include "report/probe_human.h"

#include <math.h>
#include <string.h>

#include "base/escape.h"
#include "base/glyph.h"
#include "base/num.h"
#include "report/fairness.h"
#include "report/latency_human.h"
#include "report/probe_members.h"

enum {
	WHAT_IF_MAX = 80, ALPN_MAX = 64,
	LATE_NS = 10 * 1000 * 1000,
	LATE_FEW = 100,			/* 1 in this many may be late */
};

static void
probe_header(FILE *out, const struct probe_report *r, bool colored)
{
	const char *protocol = r->target->protocol;
	char text[TARGET_TEXT], time[NUM_TEXT];
	bool datagram = protocol && (strstr(protocol, "udp") ||
	    strstr(protocol, "datagram"));

	paint(out, colored, BOLD, "%s %s", *target_text(r->target, text) ?
	    text : "several targets,", protocol ? protocol : "?");
	if (r->target->proxy)
		fprintf(out, " through %s", r->target->proxy);
	fprintf(out, ", %llu %s%s, ", (unsigned long long)r->attempts,
	    datagram ? "datagram" : "connection", plural(r->attempts));
	if (r->reports > 1)
		fprintf(out, "%llu reports, ", (unsigned long long)r->reports);
	if (r->rate > 0)
		fprintf(out, "%.7g a second, ", r->rate);
	if (r->concurrency && r->attempts > 1 && (r->detail || !(r->rate > 0)))
		fprintf(out, "%s%lld at a time, ", r->rate > 0 ? "at most " :
		    "", (long long)fmin((double)r->concurrency,
		    (double)r->attempts));
	fprintf(out, "%s", seconds_text(r->seconds, time));
	if (r->by && strcmp(r->by, "diag") != 0)
		fprintf(out, ", by %s", r->by);
}

/* The figures behind the verdict; explains the tick and the band of bars. */
static void
probe_expectation(FILE *out, const struct probe_report *r, bool bars)
{
	const struct probe_fairness *f = r->fairness;
	char by[FAIR_TEXT], text[FAIR_TEXT];
	size_t n = 0;

	if (f->at_least)
		n = (size_t)snprintf(by, sizeof(by), "at least %zu member%s: ",
		    r->member_count, plural(r->member_count));
	snprintf(by + n, sizeof(by) - n, "%s", r->steering ? "this steering" :
	    "fair hashing");
	fputc('\n', out);
	if (!f->equal)
		fprintf(out, "by chance %s %.0f of what is expected "
		    "(99 %%)", glyph(GLYPH_PLUS_MINUS),
		    f->spread);
	else
		fputs(fair_text(by, r->members[0].expected, f->spread, false,
		    text), out);
	if (bars)
		fprintf(out, ": %s and %s or %s in the bars", glyph(GLYPH_TICK),
		    glyph(GLYPH_BAND), glyph(GLYPH_BAND_FILLED));
	if (isfinite(f->p) && isfinite(f->chi2))
		fprintf(out, "; p %.2g", f->p);
}

/* Explains a verdict that is not simply good. */
static void
probe_advice(FILE *out, const struct probe_report *r)
{
	const struct probe_fairness *f = r->fairness;
	char text[MEMBER_TEXT];
	bool deviates = f->deviant >= 0 && isfinite(f->deviation);

	if (!r->detail && (strcmp(f->verdict, "even") == 0 ||
	    strcmp(f->verdict, "as-weighted") == 0))
		return;
	if (deviates) {
		const struct probe_member *m = &r->members[f->deviant];

		member_label(m, text);
		fprintf(out, "\nlargest deviation: ");
		if (m->who.name)
			fprintf(out, "%s", text);
		else
			fprintf(out, "pid %lld", (long long)m->who.pid);
		fprintf(out, " %+.1f %%", f->deviation * 100);
	}
	if (f->needed)
		fprintf(out, "%sa skew of 10 %% shows from -n %llu on",
		    deviates ? "; " : "\n",
		    (unsigned long long)f->needed);
}

static void
probe_fair_lines(FILE *out, const struct probe_report *r, bool bars)
{
	if (!r->fairness || !r->fairness->expects || r->member_count < 2)
		return;
	probe_expectation(out, r, bars);
	probe_advice(out, r);
}

static void
probe_what_if_line(FILE *out, const struct probe_what_if *w)
{
	char who[WHAT_IF_MAX * ESCAPE_MAX];

	if (!w)
		return;
	escape(w->change, strnlen(w->change, WHAT_IF_MAX - 1), false, who);
	if (strcmp(w->change, "+1") == 0)
		fprintf(out, "\nif one joined");
	else if (strcmp(w->change, "-1") == 0)
		fprintf(out, "\nif the last one left");
	else
		fprintf(out, "\nif %s left", who);
	if (w->low == w->high)
		fprintf(out, ", %.0f of these %llu flows would move, and have "
		    "to", w->low, (unsigned long long)w->flows);
	else
		fprintf(out, ", %.0f to %.0f of these %llu flows would move "
		    "(99 %%, by theory); %.0f have to", w->low, w->high,
		    (unsigned long long)w->flows,
		    w->ideal * (double)w->flows);
}

static void
probe_failed_add(FILE *out, bool *some, const char *name, uint64_t n,
    const char *reason)
{
	if (n)
		fprintf(out, "%s%s %llu%s%s", *some ? ", " : " (", name,
		    (unsigned long long)n, reason ? ": " : "", reason ? reason :
		    "");
	*some |= n > 0;
}

static void
probe_failed_list(FILE *out, const struct probe_report *r)
{
	const struct probe_failures *f = r->failed;
	bool some = false;

	for (int i = 0; i < FAILURES; i++)
		probe_failed_add(out, &some, failure_names[i], f->at[i],
		    f->reason[i]);
	if (some)
		fputc(')', out);
}

static void
probe_failed_line(FILE *out, const struct probe_report *r, bool colored)
{
	uint64_t all = failures_sum(r->failed);

	fputc('\n', out);
	paint(out, colored, all ? RED : PLAIN, "failed %llu",
	    (unsigned long long)all);
	probe_failed_list(out, r);
}

static void
probe_line(FILE *out, enum color color, const char *name, uint64_t n,
    const char *meaning)
{
	if (!n)
		return;
	fputc('\n', out);
	paint(out, color != PLAIN, color, "%s %llu", name,
	    (unsigned long long)n);
	fprintf(out, ": %s", meaning);
}

static bool
has_latency(const struct probe_report *r, enum latency which)
{
	return r->latency->at[which] && r->latency->at[which]->count;
}

/* Late starts, which are this host's doing, are shown if they are not few. */
static void
probe_late_line(FILE *out, const struct probe_report *r)
{
	const struct hist *h = r->latency->at[LATENCY_LATE];
	uint64_t late = h ? h->count - hist_count_to(h, LATE_NS) : 0;

	if (h && late * LATE_FEW > h->count)
		fprintf(out, "\n%llu of %llu started over 10 ms late, because "
		    "%lld were open already or this host was busy; latencies "
		    "include that", (unsigned long long)late,
		    (unsigned long long)h->count, (long long)r->concurrency);
}

static void
probe_latencies(FILE *out, const struct probe_report *r,
    const struct table_style *style)
{
	struct latencies shown = *r->latency;

	if (!r->detail)
		shown.at[LATENCY_LATE] = NULL;
	latency_human(out, &shown, style);
	if (!r->detail)
		probe_late_line(out, r);
}

static void
probe_start_line(FILE *out, const struct probe_report *r)
{
	char text[NUM_TEXT];

	if (!r->started_at)
		return;
	fprintf(out, "\nstarted at %s", r->started_at);
	if (r->clock && r->clock->synchronized)
		fprintf(out, ", by a clock that is at most %s off",
		    seconds_text(r->clock->maximum, text));
	else if (r->clock)
		fprintf(out, ", by a clock that nothing synchronizes");
}

/* -v: what the figures rest on. */
static void
probe_grounds(FILE *out, const struct probe_report *r)
{
	const struct probe_fairness *f = r->fairness;

	if (!r->detail)
		return;
	if (f && r->member_count > 1 && isfinite(f->chi2))
		fprintf(out, "\nchi2 %.2f with %lld degree%s of freedom",
		    f->chi2, (long long)f->dof, plural((uint64_t)f->dof));
	if (r->loop && strcmp(r->loop, "open") == 0)
		fprintf(out, "\nopen loop: attempts start at their time, and "
		    "latencies count from then");
	else if (r->loop)
		fprintf(out, "\n%s loop: an attempt starts when one ends, so "
		    "a slow server gets fewer", r->loop);
	probe_start_line(out, r);
	if (has_latency(r, LATENCY_ACCEPT))
		fprintf(out, "\naccept: polled every 50 %ss to 5 ms, and "
		    "no finer than that", glyph(GLYPH_MICRO));
	if (has_latency(r, LATENCY_LATE))
		fprintf(out, "\nlate: how long after their time attempts "
		    "started");
	probe_line(out, PLAIN, "predicted", r->predicted,
	    "the kernel was only asked before connecting");
}

static void
probe_counts(FILE *out, const struct probe_report *r, bool colored)
{
	enum color bad = colored ? RED : PLAIN;

	if (!r->during)
		probe_failed_line(out, r, colored);
	probe_line(out, bad, "queued", r->queued,
	    "connected, but nobody accepted them");
	probe_line(out, PLAIN, "unattributed", r->unattributed,
	    "who answered is not known");
	probe_line(out, bad, "mismatched", r->mismatched,
	    "the answer was not the one expected");
	probe_line(out, PLAIN, "abandoned", r->abandoned,
	    "still in flight when stopped");
}

/* "TLSv1.3 TLS_AES_256_GCM_SHA384, h2 by ALPN, resumed 0 of 500" */
static void
probe_tls_line(FILE *out, const struct probe_tls *t)
{
	char alpn[ALPN_MAX * ESCAPE_MAX + 1];

	if (!t)
		return;
	fprintf(out, "\n%s %s", t->version ? t->version : "TLS", t->cipher ?
	    t->cipher : "(several ciphers)");
	if (t->alpn) {
		escape(t->alpn, strnlen(t->alpn, ALPN_MAX), false, alpn);
		fprintf(out, ", %s by ALPN", alpn);
	}
	fprintf(out, ", resumed %llu of %llu", (unsigned long long)t->resumed,
	    (unsigned long long)t->handshakes);
}

static void
probe_labels_line(FILE *out, const struct labels *l)
{
	for (size_t i = 0; l && i < l->count; i++)
		fprintf(out, "%s%s=%s", i ? ", " : "\nlabels ", l->at[i].name,
		    l->at[i].value);
}

void
probe_human(FILE *out, const struct probe_report *r,
    const struct table_style *style)
{
	probe_header(out, r, style->color);
	if (r->reach)
		reach_human(out, r->reach, style->color);
	finding_human(out, r->findings, 0, style->color);
	probe_fair_lines(out, r, members_human(out, r, style));
	probe_what_if_line(out, r->what_if);
	probe_latencies(out, r, style);
	probe_tls_line(out, r->tls);
	probe_counts(out, r, style->color);
	for (const char *const *note = r->notes; note && *note; note++)
		fprintf(out, "\n%s", *note);
	probe_labels_line(out, r->labels);
	probe_grounds(out, r);
	if (r->during)
		during_human(out, r->during, style);
}
