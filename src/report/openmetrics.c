/*
 * A probe's report as metrics. OpenMetrics and Prometheus name the type of a
 * counter differently, and each run counts from 0, so there are no counters. A
 * figure of one run is a gauge, which is usual for jobs whose last result is
 * kept.
 */
#include "report/openmetrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "math/fair.h"

enum { LABEL_MAX = 128, LABELS = 8192 };

/* The output, and the labels of the target. */
struct metrics {
	FILE *out;
	char common[LABELS];
};

/* Upper bounds of the buckets: le in OpenMetrics' spelling, and nanoseconds. */
static const struct { const char *le; uint64_t ns; } buckets[] = {
	{ "1e-05", 10000 }, { "2.5e-05", 25000 }, { "5e-05", 50000 },
	{ "0.0001", 100000 }, { "0.00025", 250000 }, { "0.0005", 500000 },
	{ "0.001", 1000000 }, { "0.0025", 2500000 }, { "0.005", 5000000 },
	{ "0.01", 10000000 }, { "0.025", 25000000 }, { "0.05", 50000000 },
	{ "0.1", 100000000 }, { "0.25", 250000000 }, { "0.5", 500000000 },
	{ "1.0", 1000000000 }, { "2.5", 2500000000 }, { "5.0", 5000000000 },
	{ "10.0", 10000000000 },
};

/* Adds NAME="VALUE"; an unknown or absent value gets no label. */
static void
label_add(char labels[static LABELS], const char *name, const char *value)
{
	char safe[LABEL_MAX * ESCAPE_MAX + 1];
	size_t used = strlen(labels), length;

	if (!value || !*value)
		return;
	length = escape(value, strnlen(value, LABEL_MAX), false, safe);
	if (used + strlen(name) + 2 * length + sizeof(",=''") > LABELS)
		return;
	used += (size_t)snprintf(labels + used, LABELS - used, "%s%s=\"",
	    used ? "," : "", name);
	for (const char *c = safe; *c; c++) {
		if (*c == '\\' || *c == '"')
			labels[used++] = '\\';
		labels[used++] = *c;
	}
	labels[used++] = '"';
	labels[used] = '\0';
}

static void
label_add_number(char labels[static LABELS], const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	label_add(labels, name, value < 0 ? NULL : text);
}

static void
metrics_family(const struct metrics *m, const char *name, const char *type,
    const char *help)
{
	size_t length = strlen(name);

	fprintf(m->out, "# HELP rpnc_probe_%s %s\n# TYPE rpnc_probe_%s %s\n",
	    name, help, name, type);
	if (length > 8 && strcmp(name + length - 8, "_seconds") == 0)
		fprintf(m->out, "# UNIT rpnc_probe_%s seconds\n", name);
}

static void
metrics_sample(const struct metrics *m, const char *name, const char *labels,
    double value)
{
	fprintf(m->out, "rpnc_probe_%s", name);
	if (labels[0])
		fprintf(m->out, "{%s}", labels);
	fprintf(m->out, " %.15g\n", value);
}

static void
metrics_gauge(const struct metrics *m, const char *name, double value,
    const char *help)
{
	if (isnan(value))
		return;
	metrics_family(m, name, "gauge", help);
	metrics_sample(m, name, m->common, value);
}

static void
metrics_failures(const struct metrics *m, const struct probe_failures *f)
{
	char labels[LABELS];

	metrics_family(m, "failures", "gauge",
	    "Attempts that failed, by reason.");
	for (int i = 0; i < FAILURES; i++) {
		memcpy(labels, m->common, sizeof(labels));
		label_add(labels, "reason", failure_names[i]);
		metrics_sample(m, "failures", labels, (double)f->at[i]);
	}
}

static void
metrics_tls(const struct metrics *m, const struct probe_tls *t)
{
	if (!t)
		return;
	metrics_gauge(m, "tls_handshakes", (double)t->handshakes,
	    "TLS handshakes that succeeded.");
	metrics_gauge(m, "tls_resumed", (double)t->resumed,
	    "TLS handshakes that resumed a session.");
}

static void
metrics_totals(const struct metrics *m, const struct probe_report *r,
    int64_t time)
{
	metrics_gauge(m, "end_timestamp_seconds", (double)time / 1e6,
	    "When the report was made, since the epoch.");
	metrics_gauge(m, "duration_seconds", r->seconds,
	    "Duration, summed over all reports.");
	metrics_gauge(m, "reports", (double)r->reports, "Reports in this one.");
	metrics_gauge(m, "attempts", (double)r->attempts,
	    "Attempts to connect.");
	metrics_gauge(m, "succeeded", (double)r->ok,
	    "Attempts that succeeded.");
	metrics_failures(m, r->failed);
	metrics_gauge(m, "queued", (double)r->queued,
	    "Connections that nobody accepted.");
	metrics_gauge(m, "unattributed", (double)r->unattributed,
	    "Connections whose server is not known.");
	metrics_gauge(m, "predicted", (double)r->predicted,
	    "Connections attributed before connecting.");
	metrics_gauge(m, "mismatched", (double)r->mismatched,
	    "Answers that were not what was expected.");
	metrics_gauge(m, "abandoned", (double)r->abandoned,
	    "Attempts in flight when a signal came.");
}

struct column {
	const char *name, *help;
	double (*value)(const struct probe_member *);
};

static double
value_count(const struct probe_member *p)
{
	return (double)p->count;
}

static double
value_expected(const struct probe_member *p)
{
	return p->expected;
}

static double
value_queued(const struct probe_member *p)
{
	return (double)p->queued;
}

static double
value_failed(const struct probe_member *p)
{
	return (double)p->failed;
}

static double
value_due(const struct probe_member *p)
{
	return p->due < 0 ? NAN : (double)p->due;
}

static double
value_unanswered(const struct probe_member *p)
{
	return p->unanswered < 0 ? NAN : (double)p->unanswered;
}

/*
 * Two foreign names may be the same after escaping, and a repeated sample makes
 * the whole file invalid. So only the first is written.
 */
static bool
is_new_label(char (*labels)[LABELS], size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(labels[j], labels[i]) == 0)
			return false;
	return true;
}

static void
metrics_members(const struct metrics *m, const struct probe_report *r)
{
	static const struct column columns[] = {
		{ "member_connections", "Connections that it answered.",
		    value_count },
		{ "member_expected_connections",
		    "Connections that it was expected to get.", value_expected },
		{ "member_queued", "Connections that wait in its queue.",
		    value_queued },
		{ "member_failed", "Connections that it accepted, and that "
		    "then failed.", value_failed },
		{ "member_due", "Attempts that were for it.", value_due },
		{ "member_unanswered", "Those of them that timed out.",
		    value_unanswered },
	};
	char (*labels)[LABELS] = calloc(r->member_count + 1, LABELS);

	for (size_t i = 0; labels && i < r->member_count; i++) {
		const struct probe_member *p = &r->members[i];

		memcpy(labels[i], m->common, LABELS);
		label_add(labels[i], "name", p->who.name);
		label_add_number(labels[i], "worker", p->who.worker);
		label_add_number(labels[i], "pid", p->who.pid);
		label_add_number(labels[i], "uid", p->who.uid);
		label_add(labels[i], "host", p->who.host);
		label_add(labels[i], "command", p->who.command);
		if (!is_new_label(labels, i))
			labels[i][0] = '\0';
	}
	for (size_t c = 0; labels && r->member_count &&
	    c < sizeof(columns) / sizeof(columns[0]); c++) {
		metrics_family(m, columns[c].name, "gauge", columns[c].help);
		for (size_t i = 0; i < r->member_count; i++) {
			double v = columns[c].value(&r->members[i]);

			if (labels[i][0] && !isnan(v))
				metrics_sample(m, columns[c].name, labels[i],
				    v);
		}
	}
	free(labels);
}

/* What a program and a command have done. */
static void
metrics_findings(const struct metrics *m, const struct probe_report *r)
{
	if (r->steered >= 0)
		metrics_gauge(m, "steered", (double)r->steered,
		    "1 if a program chooses the members, not the hash.");
	if (!r->during)
		return;
	metrics_gauge(m, "lost", (double)r->during->lost,
	    "Attempts that were lost while a command ran.");
	metrics_gauge(m, "longest_gap_seconds", r->during->longest_gap,
	    "The longest time without a good answer.");
}

static void
metrics_fairness(const struct metrics *m, const struct probe_fairness *f)
{
	char labels[LABELS];

	if (!f)
		return;
	if (isfinite(f->chi2))
		metrics_gauge(m, "fairness_chi2", f->chi2,
		    "Pearson's chi-square of the counts.");
	metrics_gauge(m, "fairness_p", f->p,
	    "How often fair hashing is as uneven as this.");
	metrics_family(m, "fairness_verdict", "gauge",
	    "1 for the verdict, 0 for the others.");
	for (int v = FAIR_EVEN; v <= FAIR_CHANGED; v++) {
		const char *name = fair_verdict_name((enum fair_verdict)v);

		memcpy(labels, m->common, sizeof(labels));
		label_add(labels, "verdict", name);
		metrics_sample(m, "fairness_verdict", labels,
		    strcmp(name, f->verdict) == 0);
	}
}

static void
metrics_histogram(const struct metrics *m, const char *phase,
    const struct hist *h)
{
	char phased[LABELS], labels[LABELS];

	memcpy(phased, m->common, sizeof(phased));
	label_add(phased, "phase", phase);
	for (size_t i = 0; i < sizeof(buckets) / sizeof(buckets[0]); i++) {
		memcpy(labels, phased, sizeof(labels));
		label_add(labels, "le", buckets[i].le);
		metrics_sample(m, "latency_seconds_bucket", labels,
		    (double)hist_count_to(h, buckets[i].ns));
	}
	memcpy(labels, phased, sizeof(labels));
	label_add(labels, "le", "+Inf");
	metrics_sample(m, "latency_seconds_bucket", labels, (double)h->count);
	metrics_sample(m, "latency_seconds_sum", phased, (double)h->sum / 1e9);
	metrics_sample(m, "latency_seconds_count", phased, (double)h->count);
}

static void
metrics_latency(const struct metrics *m, const struct latencies *l)
{
	bool any = false;

	for (int i = 0; i < LATENCIES; i++) {
		const struct hist *h = l->at[i];

		if (!h || !h->count)
			continue;
		if (!any)
			metrics_family(m, "latency_seconds", "histogram",
			    "How long each phase of an attempt took.");
		metrics_histogram(m, latency_names[i], h);
		any = true;
	}
}

void
openmetrics_write(FILE *out, const struct probe_report *r, int64_t time)
{
	struct metrics m = { .out = out };
	char text[ADDR_TEXT];

	label_add(m.common, "address", r->target->address ?
	    addr_host(r->target->address, text) : r->target->name);
	label_add_number(m.common, "port", r->target->port);
	label_add(m.common, "protocol", r->target->protocol);
	label_add(m.common, "proxy", r->target->proxy);
	for (size_t i = 0; r->labels && i < r->labels->count; i++)
		label_add(m.common, r->labels->at[i].name,
		    r->labels->at[i].value);
	metrics_totals(&m, r, time);
	metrics_tls(&m, r->tls);
	metrics_members(&m, r);
	metrics_findings(&m, r);
	metrics_fairness(&m, r->fairness);
	metrics_latency(&m, r->latency);
	fputs("# EOF\n", out);
}
