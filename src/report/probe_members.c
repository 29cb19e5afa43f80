#include "report/probe_members.h"

#include <math.h>
#include <string.h>

#include "base/escape.h"
#include "base/num.h"
#include "report/plot.h"
#include "report/quantile.h"

enum { WORD_MAX = 80 };

void
member_label(const struct probe_member *m, char text[static MEMBER_TEXT])
{
	char raw[WORD_MAX];

	snprintf(raw, sizeof(raw), "%.64s", m->name ? m->name : "-");
	if (m->name && m->worker >= 0)
		snprintf(raw + strlen(raw), sizeof(raw) - strlen(raw), "/%lld",
		    (long long)m->worker);
	escape(raw, strlen(raw), false, text);
}

/* How many columns a text takes, if each character takes one. */
static int
columns(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static void
pad(FILE *out, const char *text, int width)
{
	fprintf(out, "%s%*s", text, width > columns(text) ?
	    width - columns(text) : 0, "");
}

struct widths {
	int name, pid, command, count;
	uint64_t largest;
};

/* Rows are sorted by host, so that those of one follow each other. */
static bool
is_host_first(const struct probe_report *r, size_t i)
{
	const char *host = r->members[i].host ? r->members[i].host : "";
	const char *last = i && r->members[i - 1].host ?
	    r->members[i - 1].host : "";

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

/* The upper level of a table that has two. */
static void
host(FILE *out, const struct probe_report *r, size_t first)
{
	char text[MEMBER_TEXT];
	const char *name = r->members[first].host;
	double count = 0, share = 0;
	size_t n = first;

	do {
		count += (double)r->members[n].count;
		share += isnan(r->members[n].share) ? 0 : r->members[n].share;
	} while (++n < r->member_count && !is_host_first(r, n));
	n -= first;
	escape(name ? name : "-", name ? strlen(name) : 1,
	    false, text);
	fprintf(out, "\n  %s, %zu member%s: %.0f, %.1f %%\n  ", text, n,
	    n == 1 ? "" : "s", count, share * 100);
}

static void
command_text(const struct probe_report *r, const struct probe_member *m,
    char text[static MEMBER_TEXT])
{
	const char *command = m->command ? m->command : "";
	const char *on = m->host && !has_hosts(r) ? m->host : "";
	char raw[WORD_MAX];

	if (m->uid >= 0)
		snprintf(raw, sizeof(raw), "uid %lld", (long long)m->uid);
	else
		snprintf(raw, sizeof(raw), "%s%s%s", command,
	    m->command && *on ? " on " : "", on);
	escape(raw, strlen(raw), false, text);
}

static int
max(int a, int b)
{
	return a > b ? a : b;
}

static struct widths
measure(const struct probe_report *r)
{
	char text[MEMBER_TEXT];
	struct widths w = { 0 };

	for (size_t i = 0; i < r->member_count; i++) {
		const struct probe_member *m = &r->members[i];

		member_label(m, text);
		w.name = max(w.name, columns(text));
		command_text(r, m, text);
		w.command = max(w.command, columns(text));
		if (m->pid >= 0)
			w.pid = max(w.pid, snprintf(NULL, 0, "%lld",
			    (long long)m->pid));
		w.count = max(w.count, snprintf(NULL, 0, "%llu",
		    (unsigned long long)m->count));
		if (m->count > w.largest)
			w.largest = m->count;
	}
	w.count = max(w.count, 5);
	return w;
}

static void
accepted(FILE *out, const struct probe_member *m)
{
	const struct hist *h = m->latency ? m->latency->at[LATENCY_ACCEPT] :
	    NULL;
	char text[QUANTILE_TEXT];

	if (!h || !h->count)
		return;
	fprintf(out, "  accepted");
	for (int i = 0; i < QUANTILES; i++)
		if (*quantile_text(h, i, text))
			fprintf(out, " %s", text);
}

static void
member(FILE *out, const struct probe_report *r, const struct probe_member *m,
    const struct widths *w)
{
	char text[MEMBER_TEXT], bar[BAR_TEXT];

	member_label(m, text);
	fprintf(out, "  ");
	pad(out, text, w->name);
	if (w->pid && m->pid >= 0)
		fprintf(out, "  pid %-*lld", w->pid, (long long)m->pid);
	else if (w->pid)
		fprintf(out, "  %*s", w->pid + 4, "");
	command_text(r, m, text);
	if (w->command)
		fputc(' ', out);
	pad(out, text, w->command);
	fprintf(out, "  %s  %*llu  %4.1f %%", bar_text(w->largest ?
	    (double)m->count / (double)w->largest : 0, bar), w->count,
	    (unsigned long long)m->count, isnan(m->share) ? 0 :
	    m->share * 100);
	if (r->fairness && !r->fairness->equal && !isnan(m->expected))
		fprintf(out, "  of %.1f expected", m->expected);
	if (m->predicted)
		fprintf(out, "  (%llu predicted)",
		    (unsigned long long)m->predicted);
	if (m->queued)
		fprintf(out, "  (and %llu queued, predicted)",
		    (unsigned long long)m->queued);
	if (m->handed > 0)
		fprintf(out, "  (accepted %lld that it handed on)",
		    (long long)m->handed);
	if (m->failed)
		fprintf(out, "  (and %llu failed)",
		    (unsigned long long)m->failed);
	if (r->detail)
		accepted(out, m);
}

void
members_human(FILE *out, const struct probe_report *r)
{
	struct widths w = measure(r);
	bool hosts = has_hosts(r);

	for (size_t i = 0; i < r->member_count; i++) {
		if (hosts && is_host_first(r, i))
			host(out, r, i);
		else
			fprintf(out, hosts ? "\n  " : "\n");
		member(out, r, &r->members[i], &w);
	}
}
