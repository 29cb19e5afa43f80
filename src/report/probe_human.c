/*
 * A probe's report for people, in this order: the heading, the findings, the
 * members, what fair hashing gives, --what-if, the latencies, the time line of
 * --during, and the counts of attempts that did not simply succeed.
 */
#include "report/probe_human.h"

#include <math.h>
#include <string.h>

#include "base/escape.h"
#include "base/glyph.h"
#include "base/num.h"
#include "report/fairness.h"
#include "report/probe_members.h"
#include "report/quantile.h"

enum { WHAT_IF_MAX = 80 };

static void
probe_header(FILE *out, const struct probe_report *r)
{
	const struct addr *to = r->target->address;
	const char *protocol = r->target->protocol;
	char text[ADDR_TEXT], time[NUM_TEXT];
	bool datagram = protocol && (strstr(protocol, "udp") ||
	    strstr(protocol, "datagram"));

	fprintf(out, "%s %s, %llu %s%s, ", to ? addr_text(to, text) :
	    "several targets,", protocol ? protocol : "?",
	    (unsigned long long)r->attempts, datagram ? "datagram" :
	    "connection", r->attempts == 1 ? "" : "s");
	if (r->reports > 1)
		fprintf(out, "%llu reports, ", (unsigned long long)r->reports);
	if (r->rate > 0)
		fprintf(out, "%.7g a second, at most ", r->rate);
	if (r->concurrency)
		fprintf(out, "%lld at a time, ", (long long)r->concurrency);
	fprintf(out, "%s", seconds_text(r->seconds, time));
	if (r->by && strcmp(r->by, "diag") != 0)
		fprintf(out, ", by %s", r->by);
}

static void
probe_expectation(FILE *out, const struct probe_report *r)
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
		fprintf(out, "by chance the counts stay within %s %.0f of what is "
		    "expected (99 %%)", glyph(GLYPH_PLUS_MINUS), f->spread);
	else
		fputs(fair_text(by, r->members[0].expected, f->spread, false,
		    text), out);
	if (isfinite(f->chi2))
		fprintf(out, "   chi2 %.2f, p %.2g", f->chi2, f->p);
	fprintf(out, "   %s", f->verdict);
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
probe_fair_lines(FILE *out, const struct probe_report *r)
{
	if (!r->fairness)
		return;
	if (r->member_count < 2)
		return;
	probe_expectation(out, r);
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
	fprintf(out, ", %.0f to %.0f of these %llu flows would move (99 %%, by "
	    "theory); %.0f have to", w->low, w->high,
	    (unsigned long long)w->flows, w->ideal * (double)w->flows);
}

static void
probe_latency_line(FILE *out, const struct probe_report *r, enum latency which)
{
	static const char *const names[] = {
		"connect", "accept", "echo", "reply", "late",
	};
	const struct hist *h = r->latency->at[which];
	char text[QUANTILE_TEXT];

	if (!h || !h->count)
		return;
	fprintf(out, "\n%-7s", names[which]);
	for (int i = 0; i < QUANTILES; i++)
		if (*quantile_text(h, i, text))
			fprintf(out, "  %s", text);
	if (which == LATENCY_ACCEPT)
		fprintf(out, "      polled every 50 %ss to 5 ms",
		    glyph(GLYPH_MICRO));
	else if (which == LATENCY_LATE)
		fprintf(out, "      started after their time");
	else
		fprintf(out, "      %s loop", r->loop ? r->loop : "?");
}

static void
probe_failed_add(FILE *out, bool *some, const char *name, uint64_t n)
{
	if (n)
		fprintf(out, "%s%s %llu", *some ? ", " : " (", name,
		    (unsigned long long)n);
	*some |= n > 0;
}

static void
probe_failed_line(FILE *out, const struct probe_report *r)
{
	const struct probe_failures *f = r->failed;
	uint64_t all = f->refused + f->reset + f->timeout + f->other;
	bool some = false;

	fprintf(out, "\nfailed %llu", (unsigned long long)all);
	probe_failed_add(out, &some, "refused", f->refused);
	probe_failed_add(out, &some, "reset", f->reset);
	probe_failed_add(out, &some, "timeout", f->timeout);
	probe_failed_add(out, &some, "other", f->other);
	if (f->other && r->other_reason)
		fprintf(out, ": %s", r->other_reason);
	if (some)
		fputc(')', out);
}

static void
probe_line(FILE *out, const char *name, uint64_t n, const char *meaning)
{
	if (n)
		fprintf(out, "\n%s %llu: %s", name, (unsigned long long)n,
		    meaning);
}

void
probe_human(FILE *out, const struct probe_report *r)
{
	probe_header(out, r);
	finding_human(out, r->findings, 0);
	members_human(out, r);
	probe_fair_lines(out, r);
	probe_what_if_line(out, r->what_if);
	for (int i = 0; i < LATENCIES; i++)
		probe_latency_line(out, r, (enum latency)i);
	if (!r->during)
		probe_failed_line(out, r);
	probe_line(out, "queued", r->queued,
	    "connected, but nobody accepted them");
	probe_line(out, "predicted", r->predicted,
	    "the kernel was only asked before connecting");
	probe_line(out, "unattributed", r->unattributed,
	    "who answered is not known");
	probe_line(out, "mismatched", r->mismatched,
	    "the answer was not the one expected");
	probe_line(out, "abandoned", r->abandoned,
	    "still in flight when stopped");
	for (const char *const *note = r->notes; note && *note; note++)
		fprintf(out, "\n%s", *note);
	if (r->during)
		during_human(out, r->during, r->attempts);
}
