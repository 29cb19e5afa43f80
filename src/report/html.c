/*
 * A probe's report as one page, to attach to a ticket. From the top: what was
 * probed, the verdict, the main figures, then a section each for the members,
 * the latencies, the time line of a command, failures, and notes.
 */
#include "report/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "report/event.h"
#include "report/html_during.h"
#include "report/html_latency.h"
#include "report/html_shares.h"
#include "report/html_style.h"
#include "report/html_write.h"

enum { GAP_TEXT = 2 * NUM_TEXT + 40 };
static const double TOGETHER = 0.9;

static const char *
target_name(const struct probe_report *r, char text[static TARGET_TEXT])
{
	return *target_text(r->target, text) ? text : "several targets";
}

static void
page_head(FILE *out, const struct probe_report *r)
{
	char text[TARGET_TEXT];

	/* The policy lets the page load nothing, whatever is in it. */
	fputs("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" "
	    "lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\""
	    "default-src 'none'; style-src 'unsafe-inline'\"/>\n"
	    "<meta name=\"viewport\" content=\"width=device-width, "
	    "initial-scale=1\"/>\n<title>", out);
	html_textf(out, "%s, probed by rpnc", target_name(r, text));
	fprintf(out, "</title>\n<style>\n%s</style></head>\n<body><main>\n",
	    html_style);
}

static void
page_title(FILE *out, const struct probe_report *r)
{
	char text[TARGET_TEXT];

	fputs("<p class=\"over\">rpnc probe", out);
	if (r->host)
		html_textf(out, " on %.255s", r->host);
	if (r->started_at)
		html_textf(out, ", %.10s %.8s UTC", r->started_at,
		    r->started_at + 11);
	fputs("</p>\n<h1>", out);
	html_text(out, target_name(r, text));
	fputs(" <span>", out);
	html_text(out, r->target->protocol);
	if (r->target->proxy)
		html_textf(out, " through %.900s", r->target->proxy);
	fputs("</span></h1>\n", out);
}

static void
page_labels(FILE *out, const struct labels *l)
{
	if (!l || !l->count)
		return;
	fputs("<div class=\"labels\">", out);
	for (size_t i = 0; i < l->count; i++) {
		fputs("<span>", out);
		html_textf(out, "%s=%s", l->at[i].name, l->at[i].value);
		fputs("</span>", out);
	}
	fputs("</div>\n", out);
}

/* The sign says the same as the colour. */
static void
verdict_line(FILE *out, const struct finding *f)
{
	enum color color = finding_color(f->kind);

	fprintf(out, "<p><b>%s</b>", color == GREEN ? "\342\234\223" :
	    color == RED ? "\342\234\225" : "?");
	html_text(out, f->text);
	fputs("</p>\n", out);
}

/* If nothing is to be said about the members: whether it worked. */
static struct finding
plain_finding(const struct probe_report *r, char text[static NUM_TEXT * 2])
{
	bool good = r->ok == r->attempts;

	snprintf(text, NUM_TEXT * 2, "%llu of %llu attempt%s succeeded",
	    (unsigned long long)r->ok, (unsigned long long)r->attempts,
	    plural(r->attempts));
	return (struct finding){ .kind = good ? "even" : "failed",
	    .text = text };
}

/* A gap that is too long fails the run, so it stands above what is good. */
static bool
gap_finding(const struct probe_report *r, struct finding *f,
    char text[static GAP_TEXT])
{
	const struct probe_during *d = r->during;
	char gap[NUM_TEXT], most[NUM_TEXT];

	if (!d || !during_gap_is_over(d))
		return false;
	snprintf(text, GAP_TEXT, "no good answer for %s: over %s",
	    seconds_text(d->longest_gap, gap), seconds_text(d->max_gap, most));
	*f = (struct finding){ .kind = "lost", .text = text };
	return true;
}

static void
page_verdict(FILE *out, const struct probe_report *r)
{
	char text[NUM_TEXT * 2], gap_text[GAP_TEXT];
	struct finding plain = plain_finding(r, text), gap;
	const struct finding_list *l = r->findings;
	const struct finding *first = l && l->count ? l->at : &plain;
	bool apart = gap_finding(r, &gap, gap_text);
	enum color color = apart ? RED : finding_color(first->kind);

	fprintf(out, "<div class=\"verdict %s\">", color == GREEN ? "good" :
	    color == RED ? "bad" : "even");
	if (apart)
		verdict_line(out, &gap);
	verdict_line(out, first);
	for (size_t i = 1; l && i < l->count; i++)
		verdict_line(out, &l->at[i]);
	fputs("</div>\n", out);
}

static void
fact(FILE *out, const char *name, const char *class, const char *value,
    const char *more)
{
	fprintf(out, "<div><dt>%s</dt><dd%s%s%s>", name, class ? " class=\"" :
	    "", class ? class : "", class ? "\"" : "");
	html_text(out, value);
	if (more) {
		fputs(" <small>", out);
		html_text(out, more);
		fputs("</small>", out);
	}
	fputs("</dd></div>", out);
}

static void
fact_count(FILE *out, const char *name, const char *class, uint64_t n,
    const char *more)
{
	char text[NUM_TEXT];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	fact(out, name, class, text, more);
}

/* Rounding never makes all of a part: 99,999 of 100,000 are 99.99 %. */
static void
fact_part(FILE *out, const char *name, const char *class, uint64_t n,
    uint64_t of)
{
	double percent = 100 * (double)n / (double)of;
	char text[NUM_TEXT];

	snprintf(text, sizeof(text), "%.4g %%", n < of ?
	    fmin(percent, 99.99) : percent);
	fact_count(out, name, n ? class : NULL, n, of ? text : NULL);
}

static void
page_facts(FILE *out, const struct probe_report *r)
{
	const struct probe_during *d = r->during;
	char text[NUM_TEXT], more[NUM_TEXT + 8];

	fputs("<dl class=\"facts\">", out);
	fact_count(out, "attempts", NULL, r->attempts, NULL);
	fact_part(out, "succeeded", NULL, r->ok, r->attempts);
	if (d)
		fact_part(out, "lost", "wrong", d->lost, r->attempts);
	else
		fact_part(out, "failed", "wrong", failures_sum(r->failed),
		    r->attempts);
	if (r->queued)
		fact_count(out, "queued", "wrong", r->queued, NULL);
	if (r->member_count)
		fact_count(out, "members", NULL, r->member_count, NULL);
	if (r->reports > 1)
		fact_count(out, "reports", NULL, r->reports, NULL);
	snprintf(more, sizeof(more), "%s/s", rate_text((double)r->attempts /
	    r->seconds, text));
	fact(out, r->reports > 1 ? "duration, summed" : "duration", NULL,
	    seconds_text(r->seconds, text), NULL);
	if (r->seconds > 0 && r->reports <= 1)
		fact(out, "rate", NULL, more, r->loop && strcmp(r->loop,
		    "open") == 0 ? "open loop" : NULL);
	fputs("</dl>\n", out);
}

/* How late attempts started is this host's doing. */
static void
page_latency(FILE *out, const struct probe_report *r)
{
	struct latencies shown = *r->latency;

	if (!r->detail)
		shown.at[LATENCY_LATE] = NULL;
	html_latency(out, &shown);
}

static void
count_item(FILE *out, const char *name, uint64_t n, const char *meaning)
{
	if (!n)
		return;
	fprintf(out, "<li><b>%llu</b> %s", (unsigned long long)n, name);
	if (meaning) {
		fputs(": ", out);
		html_text(out, meaning);
	}
	fputs("</li>\n", out);
}

/* Those of a command's time line stand there. */
static bool
has_failures(const struct probe_report *r)
{
	return (r->during ? 0 : failures_sum(r->failed)) + r->mismatched +
	    r->unattributed + r->abandoned > 0;
}

static void
note_item(FILE *out, const char *text)
{
	fputs("<li>", out);
	html_text(out, text);
	fputs("</li>\n", out);
}

/* The same sentences as at a terminal, each of which begins a line. */
static void
page_reach(FILE *out, const struct reach_report *r)
{
	char *text = NULL, *line, *rest;
	size_t length;
	FILE *lines = r && r->how ? open_memstream(&text, &length) : NULL;

	if (!lines)
		return;
	reach_human(lines, r, false);
	if (fclose(lines) != 0 || !text) {
		free(text);
		return;
	}
	fputs("<section><h2>Which members were asked</h2><ul class=\"plain\">\n",
	    out);
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			note_item(out, line);
	fputs("</ul></section>\n", out);
	free(text);
}

static void
page_failures(FILE *out, const struct probe_report *r)
{
	if (!has_failures(r))
		return;
	fputs("<section><h2>What did not work</h2><ul class=\"plain\">\n", out);
	for (int i = 0; i < FAILURES && !r->during; i++)
		count_item(out, failure_names[i], r->failed->at[i],
		    r->failed->reason[i]);
	count_item(out, "mismatched", r->mismatched,
	    "the answer was not the one expected");
	count_item(out, "unattributed", r->unattributed,
	    "who answered is not known");
	count_item(out, "abandoned", r->abandoned,
	    "still in flight when stopped");
	fputs("</ul></section>\n", out);
}

static void
note_tls(FILE *out, const struct probe_tls *t)
{
	if (!t)
		return;
	fputs("<li>", out);
	html_textf(out, "%s %s%s%s, resumed %llu of %llu", t->version ?
	    t->version : "TLS", t->cipher ? t->cipher : "(several ciphers)",
	    t->alpn ? ", ALPN " : "", t->alpn ? t->alpn : "",
	    (unsigned long long)t->resumed, (unsigned long long)t->handshakes);
	fputs("</li>\n", out);
}

static void
note_by(FILE *out, const char *by)
{
	static const char *const words[][2] = {
		{ "diag", "the kernel says who answered (diag)" },
		{ "banner", "the servers' greetings say who answered (banner)" },
		{ "reply", "the replies say who answered (reply)" },
		{ "registry", "the members' own counts (registry)" },
	};

	for (size_t i = 0; by && i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i][0], by) == 0)
			note_item(out, words[i][1]);
}

static void
note_clock(FILE *out, const struct probe_report *r)
{
	char text[NUM_TEXT], line[NUM_TEXT * 2 + 64];

	if (r->overlap >= TOGETHER) {	/* otherwise a note of its own says it */
		snprintf(line, sizeof(line), "all runs were at the same time "
		    "for %.0f %% of the longest one", r->overlap * 100);
		note_item(out, line);
	}
	if (!r->clock)
		return;
	snprintf(line, sizeof(line), "clock: %s%s", r->clock->synchronized ?
	    "at most off by " : "not synchronized", r->clock->synchronized ?
	    seconds_text(r->clock->maximum, text) : "");
	note_item(out, line);
}

static void
page_notes(FILE *out, const struct probe_report *r)
{
	const char *const *note = r->notes;

	fputs("<section><h2>Notes</h2><ul class=\"plain\">\n", out);
	for (; note && *note; note++)
		note_item(out, *note);
	note_tls(out, r->tls);
	if (r->steering) {
		fputs("<li>", out);
		html_textf(out, "the members steer: %.500s", r->steering);
		fputs("</li>", out);
	}
	note_by(out, r->member_count ? r->by : NULL);
	note_clock(out, r);
	fputs("</ul></section>\n", out);
}

void
html_write(FILE *out, const struct probe_report *r, int64_t time)
{
	char text[TIME_TEXT];

	page_head(out, r);
	page_title(out, r);
	page_labels(out, r->labels);
	page_verdict(out, r);
	page_facts(out, r);
	if (r->during)
		html_during(out, r->during);
	page_reach(out, r->reach);
	html_shares(out, r);
	page_latency(out, r);
	page_failures(out, r);
	page_notes(out, r);
	fprintf(out, "<footer>Made by rpnc " RPNC_VERSION " at %s. This page "
	    "loads nothing.</footer>\n</main></body></html>\n",
	    time_text(time, text));
}
