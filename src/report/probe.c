#include "report/probe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "report/plot.h"

#define FIELD(struct_, name, type, member) \
	{ name, type, offsetof(struct struct_, member), NULL, 0, 0 }
#define OBJECT(struct_, name, member, of) \
	{ name, FIELD_OBJECT, offsetof(struct struct_, member), of, 0, 0 }

const struct field probe_target_fields[] = {
	FIELD(probe_target, "address", FIELD_HOST, address),
	FIELD(probe_target, "port", FIELD_PORT, address),
	FIELD(probe_target, "protocol", FIELD_TEXT, protocol),
	{ 0 },
};

const struct field probe_failure_fields[] = {
	FIELD(probe_failures, "refused", FIELD_COUNT, refused),
	FIELD(probe_failures, "reset", FIELD_COUNT, reset),
	FIELD(probe_failures, "timeout", FIELD_COUNT, timeout),
	FIELD(probe_failures, "other", FIELD_COUNT, other),
	{ 0 },
};

const struct field probe_latency_fields[] = {
	FIELD(latencies, "connect", FIELD_LATENCY, at[LATENCY_CONNECT]),
	FIELD(latencies, "accept", FIELD_LATENCY, at[LATENCY_ACCEPT]),
	FIELD(latencies, "echo", FIELD_LATENCY, at[LATENCY_ECHO]),
	FIELD(latencies, "reply", FIELD_LATENCY, at[LATENCY_REPLY]),
	FIELD(latencies, "late", FIELD_LATENCY, at[LATENCY_LATE]),
	{ 0 },
};

static const struct field member_fields[] = {
	FIELD(probe_member, "name", FIELD_TEXT, name),
	FIELD(probe_member, "pid", FIELD_NUMBER, pid),
	FIELD(probe_member, "worker", FIELD_NUMBER, worker),
	FIELD(probe_member, "uid", FIELD_NUMBER, uid),
	FIELD(probe_member, "host", FIELD_TEXT, host),
	FIELD(probe_member, "command", FIELD_TEXT, command),
	FIELD(probe_member, "sockets", FIELD_NUMBER, sockets),
	FIELD(probe_member, "count", FIELD_COUNT, count),
	FIELD(probe_member, "predicted", FIELD_COUNT, predicted),
	FIELD(probe_member, "queued", FIELD_COUNT, queued),
	FIELD(probe_member, "share", FIELD_SECONDS, share),
	FIELD(probe_member, "expected", FIELD_SECONDS, expected),
	OBJECT(probe_member, "latency", latency, probe_latency_fields),
	{ 0 },
};

const struct field probe_fairness_fields[] = {
	FIELD(probe_fairness, "chi2", FIELD_SECONDS, chi2),
	FIELD(probe_fairness, "dof", FIELD_NUMBER, dof),
	FIELD(probe_fairness, "p", FIELD_SECONDS, p),
	FIELD(probe_fairness, "verdict", FIELD_TEXT, verdict),
	FIELD(probe_fairness, "at_least", FIELD_FLAG, at_least),
	FIELD(probe_fairness, "spread", FIELD_SECONDS, spread),
	FIELD(probe_fairness, "deviation", FIELD_SECONDS, deviation),
	FIELD(probe_fairness, "enough", FIELD_COUNT, enough),
	FIELD(probe_fairness, "needed", FIELD_COUNT, needed),
	{ 0 },
};

static const struct field what_if_fields[] = {
	FIELD(probe_what_if, "change", FIELD_TEXT, change),
	FIELD(probe_what_if, "sockets", FIELD_NUMBER, sockets),
	FIELD(probe_what_if, "flows", FIELD_COUNT, flows),
	FIELD(probe_what_if, "fraction", FIELD_SECONDS, fraction),
	FIELD(probe_what_if, "moved", FIELD_SECONDS, moved),
	FIELD(probe_what_if, "low", FIELD_SECONDS, low),
	FIELD(probe_what_if, "high", FIELD_SECONDS, high),
	FIELD(probe_what_if, "ideal", FIELD_SECONDS, ideal),
	{ 0 },
};

const struct field probe_fields[] = {
	FIELD(probe_report, "command", FIELD_TEXT, command),
	OBJECT(probe_report, "target", target, probe_target_fields),
	FIELD(probe_report, "by", FIELD_TEXT, by),
	FIELD(probe_report, "loop", FIELD_TEXT, loop),
	FIELD(probe_report, "host", FIELD_TEXT, host),
	FIELD(probe_report, "reports", FIELD_COUNT, reports),
	FIELD(probe_report, "steering", FIELD_TEXT, steering),
	FIELD(probe_report, "attempts", FIELD_COUNT, attempts),
	FIELD(probe_report, "ok", FIELD_COUNT, ok),
	FIELD(probe_report, "seconds", FIELD_SECONDS, seconds),
	OBJECT(probe_report, "failed", failed, probe_failure_fields),
	FIELD(probe_report, "queued", FIELD_COUNT, queued),
	FIELD(probe_report, "unattributed", FIELD_COUNT, unattributed),
	FIELD(probe_report, "predicted", FIELD_COUNT, predicted),
	FIELD(probe_report, "mismatched", FIELD_COUNT, mismatched),
	FIELD(probe_report, "abandoned", FIELD_COUNT, abandoned),
	{ "members", FIELD_LIST, offsetof(struct probe_report, members),
	    member_fields, sizeof(struct probe_member),
	    offsetof(struct probe_report, member_count) },
	OBJECT(probe_report, "fairness", fairness, probe_fairness_fields),
	OBJECT(probe_report, "what_if", what_if, what_if_fields),
	OBJECT(probe_report, "latency", latency, probe_latency_fields),
	OBJECT(probe_report, "during", during, during_fields),
	{ 0 },
};

enum { WORD_MAX = 80, P99_FROM = 100 };

static const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void
header(FILE *out, const struct probe_report *r)
{
	const struct addr *to = r->target->address;
	const char *protocol = r->target->protocol;
	char text[ADDR_TEXT];
	bool datagram = protocol && (strstr(protocol, "udp") ||
	    strstr(protocol, "datagram"));

	fprintf(out, "%s %s, %llu %s%s, ", to ? addr_text(to, text) :
	    "several targets,", protocol ? protocol : "?",
	    (unsigned long long)r->attempts, datagram ? "datagram" :
	    "connection", plural(r->attempts));
	if (r->reports > 1)
		fprintf(out, "%llu reports, ", (unsigned long long)r->reports);
	if (r->rate > 0)
		fprintf(out, "%.7g a second, at most ", r->rate);
	if (r->concurrency)
		fprintf(out, "%lld at a time, ", (long long)r->concurrency);
	fprintf(out, "%.2f s", r->seconds);
	if (r->by && strcmp(r->by, "diag") != 0)
		fprintf(out, ", by %s", r->by);
}

/* "A/0", "A@host", "-"; escaped, as it may be a stranger's. */
static void
label(const struct probe_member *m, char text[static WORD_MAX * ESCAPE_MAX])
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
	char text[WORD_MAX * ESCAPE_MAX];
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
	    plural(n), count, share * 100);
}

static void
command_text(const struct probe_report *r, const struct probe_member *m,
    char text[static WORD_MAX * ESCAPE_MAX])
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
	char text[WORD_MAX * ESCAPE_MAX];
	struct widths w = { 0 };

	for (size_t i = 0; i < r->member_count; i++) {
		const struct probe_member *m = &r->members[i];

		label(m, text);
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
	char text[NUM_TEXT];

	if (!h || !h->count)
		return;
	fprintf(out, "  accepted p50 %s", duration_text(
	    (int64_t)(hist_percentile(h, 50) + 500) / 1000, text));
	if (h->count >= P99_FROM)
		fprintf(out, " p99 %s", duration_text(
		    (int64_t)(hist_percentile(h, 99) + 500) / 1000, text));
}

static void
member(FILE *out, const struct probe_report *r, const struct probe_member *m,
    const struct widths *w)
{
	char text[WORD_MAX * ESCAPE_MAX], bar[BAR_TEXT];

	label(m, text);
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
	if (r->detail)
		accepted(out, m);
}

static void
members(FILE *out, const struct probe_report *r)
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

static void
expectation(FILE *out, const struct probe_report *r)
{
	const struct probe_fairness *f = r->fairness;
	const char *who = r->steering ? "this steering" : "fair hashing";

	fputc('\n', out);
	if (!f->equal)
		fprintf(out, "%s gives what is expected ± %.0f (99 %%)", who,
		    f->spread);
	else if (f->at_least)
		fprintf(out, "at least %zu members: %s gives %.0f ± %.0f each "
		    "(99 %%)", r->member_count, who, r->members[0].expected, f->spread);
	else
		fprintf(out, "%s gives %.0f ± %.0f each (99 %%)", who,
		    r->members[0].expected, f->spread);
	if (isfinite(f->chi2))
		fprintf(out, "   chi2 %.2f, p %.2g", f->chi2, f->p);
	fprintf(out, "   %s", f->verdict);
}

/* What helps to read a verdict that is not plainly good. */
static void
advice(FILE *out, const struct probe_report *r)
{
	const struct probe_fairness *f = r->fairness;
	char text[WORD_MAX * ESCAPE_MAX];

	if (!r->detail && strcmp(f->verdict, "even") == 0)
		return;
	if (f->enough && strcmp(f->verdict, "too-few") == 0)
		fprintf(out, "\na member that gets nothing shows from -n %llu "
		    "on", (unsigned long long)f->enough);
	if (f->deviant >= 0) {
		const struct probe_member *m = &r->members[f->deviant];

		label(m, text);
		fprintf(out, "\nlargest deviation: ");
		if (m->name)
			fprintf(out, "%s", text);
		else
			fprintf(out, "pid %lld", (long long)m->pid);
		fprintf(out, " %+.1f %%", f->deviation * 100);
	}
	if (f->needed)
		fprintf(out, "%sa skew of 10 %% shows from -n %llu on",
		    f->deviant >= 0 ? "; " : "\n",
		    (unsigned long long)f->needed);
}

static void
fairness(FILE *out, const struct probe_report *r)
{
	if (!r->fairness)
		return;
	if (r->member_count > 1)
		expectation(out, r);
	else
		fprintf(out, "\none member%s: nothing to compare   %s",
		    r->fairness->at_least ? " answered" : "",
		    r->fairness->verdict);
	if (r->member_count > 1)
		advice(out, r);
}

static void
what_if(FILE *out, const struct probe_what_if *w)
{
	char who[WORD_MAX * ESCAPE_MAX];

	if (!w)
		return;
	escape(w->change, strnlen(w->change, WORD_MAX - 1), false, who);
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
latency(FILE *out, const struct probe_report *r, enum latency which)
{
	static const char *const names[] = {
		"connect", "accept", "echo", "reply", "late",
	};
	/* of fewer samples it would only be the largest, or nearly */
	static const struct { const char *name; double p; uint64_t from; }
	columns_[] = {
		{ "p50", 50, 1 }, { "p90", 90, 10 }, { "p99", 99, P99_FROM },
		{ "p99.9", 99.9, HIST_P999_FROM }, { "max", 100, 1 },
	};
	const struct hist *h = r->latency->at[which];
	char text[NUM_TEXT];

	if (!h || !h->count)
		return;
	fprintf(out, "\n%-7s", names[which]);
	for (size_t i = 0; i < 5; i++)
		if (h->count >= columns_[i].from)
			fprintf(out, "  %s %s", columns_[i].name,
			    duration_text((int64_t)(hist_percentile(h,
			    columns_[i].p) + 500) / 1000, text));
	if (which == LATENCY_ACCEPT)
		fprintf(out, "      as coarse as asking, 50 µs to 5 ms");
	else if (which == LATENCY_LATE)
		fprintf(out, "      started after their time");
	else
		fprintf(out, "      %s loop", r->loop ? r->loop : "?");
}

static void
counted(FILE *out, bool *some, const char *name, uint64_t n)
{
	if (n)
		fprintf(out, "%s%s %llu", *some ? ", " : " (", name,
		    (unsigned long long)n);
	*some |= n > 0;
}

static void
failures(FILE *out, const struct probe_report *r)
{
	const struct probe_failures *f = r->failed;
	uint64_t all = f->refused + f->reset + f->timeout + f->other;
	bool some = false;

	fprintf(out, "\nfailed %llu", (unsigned long long)all);
	counted(out, &some, "refused", f->refused);
	counted(out, &some, "reset", f->reset);
	counted(out, &some, "timeout", f->timeout);
	counted(out, &some, "other", f->other);
	if (f->other && r->other_reason)
		fprintf(out, ": %s", r->other_reason);
	if (some)
		fputc(')', out);
}

static void
line(FILE *out, const char *name, uint64_t n, const char *meaning)
{
	if (n)
		fprintf(out, "\n%s %llu: %s", name, (unsigned long long)n,
		    meaning);
}

void
probe_human(FILE *out, const struct probe_report *r)
{
	header(out, r);
	members(out, r);
	fairness(out, r);
	what_if(out, r->what_if);
	for (int i = 0; i < LATENCIES; i++)
		latency(out, r, (enum latency)i);
	if (!r->during)
		failures(out, r);
	line(out, "queued", r->queued, "connected, but nobody accepted them");
	line(out, "predicted", r->predicted, "the kernel was only asked before "
	    "connecting");
	line(out, "unattributed", r->unattributed, "who answered is not known");
	line(out, "mismatched", r->mismatched, "the answer was not the one "
	    "expected");
	line(out, "abandoned", r->abandoned, "still in flight when stopped");
	for (const char *const *note = r->notes; note && *note; note++)
		fprintf(out, "\n%s", *note);
	if (r->during)
		during_human(out, r->during, r->attempts);
}
