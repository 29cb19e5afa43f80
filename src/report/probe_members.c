/*
 * The table of a probe's members. If several hosts answered, it has two levels:
 * a line for each host, and below it the members there.
 */
#include "report/probe_members.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/num.h"
#include "report/fairness.h"
#include "report/quantile.h"

enum { WORD_MAX = 80 };

void
member_label(const struct probe_member *m, char text[static MEMBER_TEXT])
{
	char raw[MEMBER_NAME_TEXT];

	member_name_text(&m->who, "-", raw);
	escape(raw, strlen(raw), false, text);
}

/* Rows are sorted by host, so that those of one follow each other. */
static bool
is_host_first(const struct probe_report *r, size_t i)
{
	const char *host = r->members[i].who.host ? r->members[i].who.host : "";
	const char *last = i && r->members[i - 1].who.host ?
	    r->members[i - 1].who.host : "";

	return !i || strcmp(host, last) != 0;
}

static bool
has_hosts(const struct probe_report *r)
{
	for (size_t i = 1; i < r->member_count; i++)
		if (is_host_first(r, i))
			return true;
	return false;
}

/* The line of a host, above its members. */
static void
probe_host_line(FILE *out, const struct probe_report *r, size_t first)
{
	char text[MEMBER_TEXT];
	const char *name = r->members[first].who.host;
	double count = 0, share = 0;
	size_t n = first;

	do {
		count += (double)r->members[n].count;
		share += isnan(r->members[n].share) ? 0 : r->members[n].share;
	} while (++n < r->member_count && !is_host_first(r, n));
	n -= first;
	escape(name ? name : "-", name ? strlen(name) : 1,
	    false, text);
	fprintf(out, "\n  %s, %zu member%s: %.0f, %.1f %%", text, n,
	    n == 1 ? "" : "s", count, share * 100);
}

static void
probe_name_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	member_label(c->row, text);
}

static void
probe_pid_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct probe_member *m = c->row;

	*text = '\0';
	if (m->who.pid >= 0)
		snprintf(text, TABLE_TEXT, "pid %lld", (long long)m->who.pid);
}

static void
command_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct member_bars *all = c->table->report;
	const struct probe_member *m = c->row;
	const char *command = m->who.command ? m->who.command : "";
	const char *on = m->who.host && !all->hosts ? m->who.host : "";
	char raw[WORD_MAX];

	if (m->who.uid >= 0)
		snprintf(raw, sizeof(raw), "uid %lld", (long long)m->who.uid);
	else
		snprintf(raw, sizeof(raw), "%s%s%s", command,
		    m->who.command && *on ? " on " : "", on);
	escape(raw, strlen(raw), false, text);
}

struct bar
member_bar(const struct member_bars *b, const struct probe_member *m)
{
	return fair_bar((double)m->count, b->judged ? m->expected : NAN,
	    b->count, b->expecting, b->most);
}

struct member_bars
member_bars_of(const struct probe_report *r)
{
	struct member_bars b = {
		.report = r, .hosts = has_hosts(r), .most = 1,
		.judged = r->fairness && r->fairness->expects &&
		    r->member_count > 1,
	};
	double most = 0;

	for (size_t i = 0; i < r->member_count; i++) {
		b.count += r->members[i].count;
		b.expecting += r->members[i].expected > 0;
	}
	for (size_t i = 0; i < r->member_count; i++)
		most = fmax(most, bar_end(member_bar(&b, &r->members[i])));
	b.most = most;
	return b;
}

static struct bar
count_bar(const struct table_cell *c)
{
	return member_bar(c->table->report, c->row);
}

static void
probe_count_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct probe_member *m = c->row;

	snprintf(text, TABLE_TEXT, "%llu", (unsigned long long)m->count);
}

static void
probe_share_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct probe_member *m = c->row;

	snprintf(text, TABLE_TEXT, "%.1f %%", isnan(m->share) ? 0 :
	    m->share * 100);
}

static void
probe_expected_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct member_bars *all = c->table->report;
	const struct probe_report *r = all->report;
	const struct probe_member *m = c->row;

	if (r->fairness && r->fairness->expects && !r->fairness->equal &&
	    !isnan(m->expected))
		snprintf(text, TABLE_TEXT, "of %.1f expected", m->expected);
	else
		*text = '\0';
}

static const struct table_column probe_columns[] = {
	{ "", .text = probe_name_cell },
	{ "", 3, .gap = 2, .wanted = table_has_text, .text = probe_pid_cell },
	{ "", 1, .gap = 1, .wanted = table_has_text, .text = command_cell },
	{ "", .gap = 2, .bar = count_bar },
	{ "", .gap = 2, .least = 5, .right = true, .text = probe_count_cell },
	{ "", .gap = 2, .least = 6, .right = true, .text = probe_share_cell },
	{ "", 2, .gap = 2, .wanted = table_has_text,
	    .text = probe_expected_cell },
};

/* A line of its own below the row, with -v. */
static void
probe_phase(FILE *out, const struct probe_member *m, int indent,
    enum latency phase, const char *name)
{
	const struct hist *h = m->latency ? m->latency->at[phase] : NULL;
	char text[QUANTILE_TEXT];

	if (!h || !h->count)
		return;
	fprintf(out, "\n%*s%s", indent, "", name);
	for (int i = 0; i < QUANTILES; i++)
		if (*quantile_text(h, i, text))
			fprintf(out, " %s", text);
}

/* Remarks at the end of a row; most members have none. */
static void
probe_remarks(FILE *out, const struct probe_report *r,
    const struct probe_member *m, bool colored)
{
	if (m->queued)
		paint(out, colored, RED, "  (and %llu queued%s)",
		    (unsigned long long)m->queued,
		    r->detail ? ", predicted" : "");
	if (m->failed)
		paint(out, colored, RED, "  (and %llu failed)",
		    (unsigned long long)m->failed);
	if (m->handed > 0)
		fprintf(out, "  (accepted %lld that it handed on)",
		    (long long)m->handed);
	if (m->predicted && r->detail)
		fprintf(out, "  (%llu predicted)",
		    (unsigned long long)m->predicted);
}

/* The width of the longest remark, if rows have room for it. */
static int
probe_remarks_width(const struct probe_report *r, int columns)
{
	int most = 0;

	for (size_t i = 0; i < r->member_count; i++) {
		char *text = NULL;
		size_t length;
		FILE *out = open_memstream(&text, &length);

		if (!out)
			return 0;
		probe_remarks(out, r, &r->members[i], false);
		fclose(out);
		if (text && table_cells(text) > most)
			most = table_cells(text);
		free(text);
	}
	return most < columns / 2 ? most : 0;
}

static bool
has_bars(const struct table *t)
{
	for (int i = 0; i < t->count; i++)
		if (t->column[i].bar && t->width[i])
			return true;
	return false;
}

bool
members_human(FILE *out, const struct probe_report *r,
    const struct table_style *style)
{
	struct member_bars bars = member_bars_of(r);
	struct table t = {
		.column = probe_columns,
		.count = sizeof(probe_columns) / sizeof(*probe_columns),
		.report = &bars,
		.rows = r->members, .row_count = r->member_count,
		.row_size = sizeof(*r->members),
	};
	int indent = bars.hosts ? 4 : 2;

	table_fit(&t, style->columns - indent -
	    probe_remarks_width(r, style->columns));
	for (size_t i = 0; i < r->member_count; i++) {
		if (bars.hosts && is_host_first(r, i))
			probe_host_line(out, r, i);
		fprintf(out, "\n%*s", indent, "");
		table_row(out, &t, style->color, &r->members[i]);
		probe_remarks(out, r, &r->members[i], style->color);
		if (!r->detail)
			continue;
		probe_phase(out, &r->members[i], indent + 2, LATENCY_ACCEPT,
		    "accepted");
		probe_phase(out, &r->members[i], indent + 2, LATENCY_TLS,
		    "tls");
	}
	return has_bars(&t);
}
