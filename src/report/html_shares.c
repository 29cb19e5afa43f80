#include "report/html_shares.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "report/fairness.h"
#include "report/html_write.h"
#include "report/probe_members.h"

enum {
	SHOWN = 100,			/* members: the page stays small */
	WIDTH = 1000, HEIGHT = 20,	/* of a bar's drawing */
};

static bool
has_band(const struct probe_report *r)
{
	return r->fairness && r->fairness->expects && r->member_count > 1;
}

/* Whether different counts are expected of them. */
static bool
has_expected(const struct probe_report *r)
{
	return has_band(r) && !r->fairness->equal;
}

static void
rect(FILE *out, const char *class, double from, double to, int top, int height)
{
	fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" "
	    "height=\"%d\"/>", class, fmax(from, 0) * WIDTH, top,
	    fmax(fmin(to, 1) - fmax(from, 0), 0) * WIDTH, height);
}

/* Nothing is expected of a member whose bar has no tick. */
static bool
is_off(const struct probe_report *r, struct bar b)
{
	if (!has_band(r) || strcmp(r->fairness->verdict, "uneven") != 0)
		return false;
	return isnan(b.expected) ? b.part > 0 : b.spread > 0 &&
	    fabs(b.part - b.expected) > b.spread;
}

static void
bar_svg(FILE *out, const struct probe_report *r, struct bar b)
{
	bool ticked = !isnan(b.expected), off = is_off(r, b);

	fprintf(out, "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
	    "aria-hidden=\"true\">", WIDTH, HEIGHT);
	rect(out, off ? "off" : "fill", 0, b.part, 4, HEIGHT - 8);
	if (ticked && b.spread > 0)
		rect(out, "band", b.expected - b.spread, b.expected + b.spread,
		    1, HEIGHT - 2);
	if (ticked)
		fprintf(out, "<path class=\"tick\" d=\"M%.1f 0V%d\"/>",
		    b.expected * WIDTH, HEIGHT);
	fputs("</svg>", out);
}

static void
remark(FILE *out, uint64_t n, const char *what)
{
	if (n)
		fprintf(out, "<small class=\"wrong\">%llu %s</small>",
		    (unsigned long long)n, what);
}

static const char *
host_of(const struct probe_report *r, size_t i)
{
	return r->members[i].who.host ? r->members[i].who.host : "";
}

/* Rows are sorted by host. */
static bool
is_of_hosts(const struct probe_report *r)
{
	return r->member_count && strcmp(host_of(r, 0),
	    host_of(r, r->member_count - 1)) != 0;
}

/* A line above the members of a host. */
static void
host_row(FILE *out, const struct probe_report *r, size_t first)
{
	double count = 0, share = 0;
	size_t i = first;

	for (; i < r->member_count && strcmp(host_of(r, i), host_of(r,
	    first)) == 0; i++) {
		count += (double)r->members[i].count;
		share += isnan(r->members[i].share) ? 0 : r->members[i].share;
	}
	fputs("<tr class=\"host\"><th scope=\"rowgroup\" colspan=\"2\">", out);
	html_text(out, *host_of(r, first) ? host_of(r, first) : "-");
	fprintf(out, "</th><td>%.0f</td>%s<td>%.1f %%</td></tr>\n", count,
	    has_expected(r) ? "<td></td>" : "", share * 100);
}

static void
member_name(FILE *out, const struct probe_member *m, bool several)
{
	char name[MEMBER_NAME_TEXT];

	fputs("<th scope=\"row\">", out);
	html_text(out, member_name_text(&m->who, "-", name));
	fputs("<small>", out);
	if (m->who.pid >= 0)
		fprintf(out, "pid %lld ", (long long)m->who.pid);
	if (m->who.uid >= 0)
		fprintf(out, "uid %lld ", (long long)m->who.uid);
	html_text(out, m->who.command);
	if (m->who.host && !several)
		html_textf(out, " on %.64s", m->who.host);
	fputs("</small>", out);
	if (m->stopped == 1)
		fputs("<small class=\"wrong\">stopped</small>", out);
	for (const char *const *flag = m->flags; flag && *flag; flag++) {
		fputs("<small class=\"wrong\">", out);
		html_text(out, *flag);
		fputs("</small>", out);
	}
	fputs("</th>", out);
}

static void
member_row(FILE *out, const struct member_bars *bars,
    const struct probe_member *m)
{
	const struct probe_report *r = bars->report;

	fputs("<tr>", out);
	member_name(out, m, is_of_hosts(r));
	fputs("<td class=\"bar\">", out);
	bar_svg(out, r, member_bar(bars, m));
	remark(out, m->queued, "queued: connected, not accepted");
	remark(out, m->failed, "accepted, and failed");
	fprintf(out, "</td><td>%llu</td>", (unsigned long long)m->count);
	if (has_expected(r))
		fprintf(out, "<td>%.1f</td>", m->expected);
	fprintf(out, "<td>%.1f %%</td></tr>\n", isnan(m->share) ? 0 :
	    m->share * 100);
}

static void
expectation(FILE *out, const struct probe_report *r)
{
	const struct probe_fairness *f = r->fairness;
	char text[FAIR_TEXT];

	fputs("<p class=\"sub\">", out);
	if (!f->equal)
		html_textf(out, "By chance %.0f more or less than what is "
		    "expected of each (99 %%)", f->spread);
	else
		html_text(out, fair_text(r->steering ? "This steering" :
		    f->at_least ? "Fair hashing over those seen" :
		    "Fair hashing", r->members[0].expected, f->spread,
		    false, text));
	if (isfinite(f->p))
		html_textf(out, "; p %.2g", f->p);
	fputs("</p>", out);
}

static void
key(FILE *out)
{
	fputs("<ul class=\"key\">"
	    "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path "
	    "class=\"tick\" d=\"M11 0V12\"/></svg>expected</li>"
	    "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><rect "
	    "class=\"band\" width=\"22\" height=\"12\"/></svg>"
	    "99 % of fair cases</li></ul>", out);
}

static void
heads(FILE *out, const struct probe_report *r)
{
	fputs("<table><thead><tr><th scope=\"col\">member</th><th></th>"
	    "<th scope=\"col\">count</th>", out);
	if (has_expected(r))
		fputs("<th scope=\"col\">expected</th>", out);
	fputs("<th scope=\"col\">share</th></tr></thead><tbody>\n", out);
}

void
html_shares(FILE *out, const struct probe_report *r)
{
	struct member_bars bars = member_bars_of(r);

	if (!r->member_count)
		return;
	fputs("<section><h2>Who answered</h2>", out);
	if (has_band(r))
		expectation(out, r);
	heads(out, r);
	for (size_t i = 0; i < r->member_count && i < SHOWN; i++) {
		if (is_of_hosts(r) && (!i || strcmp(host_of(r, i), host_of(r,
		    i - 1)) != 0))
			host_row(out, r, i);
		member_row(out, &bars, &r->members[i]);
	}
	fputs("</tbody></table>", out);
	if (r->member_count > SHOWN)
		fprintf(out, "<p class=\"sub\">and %zu more</p>",
		    r->member_count - SHOWN);
	if (has_band(r))
		key(out);
	fputs("</section>\n", out);
}
