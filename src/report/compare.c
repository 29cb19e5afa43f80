#include "report/compare.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "report/plot.h"
#include "report/table.h"

#define FIGURE(name, type, member) FIELD(compare_figures, name, type, member)
#define MODEL(name, type, member) FIELD(compare_model, name, type, member)
#define RATIO(name, type, member) FIELD(compare_ratio, name, type, member)
#define REPORT(name, type, member) FIELD(compare_report, name, type, member)

static const struct field figures[] = {
	FIGURE("attempts", FIELD_COUNT, attempts),
	FIGURE("failed", FIELD_COUNT, failed),
	FIGURE("rate", FIELD_SECONDS, rate),
	FIGURE("p50", FIELD_SECONDS, p50),
	FIGURE("p99", FIELD_SECONDS, p99),
	FIGURE("cpu", FIELD_SECONDS, cpu),
	FIGURE("max_share", FIELD_SECONDS, max_share),
	{ "shares", FIELD_NUMBERS, offsetof(struct compare_figures, shares),
	    NULL, 0, offsetof(struct compare_figures, share_count) },
	{ 0 },
};

static const struct field models[] = {
	MODEL("model", FIELD_TEXT, model),
	MODEL("command", FIELD_TEXT, command),
	MODEL("stalling", FIELD_TEXT, stalling),
	FIELD_FROM(compare_model, "idle", FIELD_PART, idle, figures),
	FIELD_FROM(compare_model, "busy", FIELD_PART, busy, figures),
	FIELD_FROM(compare_model, "stall", FIELD_PART, stall, figures),
	{ 0 },
};

static const struct field ratios[] = {
	RATIO("measure", FIELD_TEXT, measure),
	RATIO("against", FIELD_TEXT, against),
	RATIO("median", FIELD_SECONDS, median),
	RATIO("low", FIELD_SECONDS, low),
	RATIO("high", FIELD_SECONDS, high),
	RATIO("finding", FIELD_TEXT, finding),
	{ 0 },
};

const struct field compare_fields[] = {
	REPORT("command", FIELD_TEXT, command),
	REPORT("workers", FIELD_NUMBER, workers),
	REPORT("processors", FIELD_NUMBER, processors),
	REPORT("rounds", FIELD_NUMBER, rounds),
	REPORT("planned", FIELD_NUMBER, planned),
	REPORT("concurrency", FIELD_NUMBER, concurrency),
	REPORT("rate", FIELD_SECONDS, rate),
	REPORT("size", FIELD_NUMBER, size),
	REPORT("work", FIELD_SECONDS, work),
	REPORT("stall", FIELD_SECONDS, stall),
	REPORT("every", FIELD_NUMBER, every),
	REPORT("seconds", FIELD_SECONDS, seconds),
	FIELD_EACH(compare_report, "models", models, models,
	    compare_model, model_count),
	FIELD_EACH(compare_report, "ratios", ratios, ratios,
	    compare_ratio, ratio_count),
	REPORT("verdict", FIELD_TEXT, verdict),
	REPORT("advice", FIELD_WORDS, advice),
	{ 0 },
};

enum { NAME_CELLS = 10 };

/* To the right of so many cells. */
static void
cell(FILE *out, const char *text, int width)
{
	int pad = width - table_cells(text);

	fprintf(out, "%*s%s", pad > 0 ? pad : 0, "", text);
}

static void
share_cell(FILE *out, double share, int width)
{
	char text[NUM_TEXT] = "-";

	if (isfinite(share))
		snprintf(text, sizeof(text), "%.0f %%", share * 100);
	cell(out, text, width);
}

static const char *
time_text_of(double us, char text[static NUM_TEXT])
{
	if (!isfinite(us))
		return "-";
	return duration_text((int64_t)(us + 0.5), text);
}

static void
time_cell(FILE *out, double us, int width)
{
	char text[NUM_TEXT];

	cell(out, time_text_of(us, text), width);
}

static void
count_cell(FILE *out, double n, int width)
{
	char text[NUM_TEXT] = "-";

	if (isfinite(n))
		snprintf(text, sizeof(text), "%.0f", n);
	cell(out, text, width);
}

static void
row(FILE *out, const struct compare_model *m)
{
	fprintf(out, "\n%-*s", NAME_CELLS, m->model);
	share_cell(out, m->idle.max_share, 6);
	count_cell(out, m->busy.rate, 9);
	time_cell(out, m->busy.p50, 8);
	time_cell(out, m->busy.p99, 9);
	time_cell(out, m->busy.cpu, 8);
	share_cell(out, m->busy.max_share, 7);
	time_cell(out, m->stall.p50, 11);
	time_cell(out, m->stall.p99, 9);
}

static void
table(FILE *out, const struct compare_report *r)
{
	char busy[64], stall[64];

	snprintf(busy, sizeof(busy), "%lld at a time, closed loop",
	    (long long)r->concurrency);
	snprintf(stall, sizeof(stall), "stalling, %g/s", r->rate);
	fprintf(out, "\n%*s  alone  %-38s%20s", NAME_CELLS - 1, "", busy,
	    stall);
	fprintf(out, "\n%-*s%6s%9s%8s%9s%8s%7s%11s%9s", NAME_CELLS, "", "most",
	    "conn/s", "p50", "p99", "CPU", "most", "p50", "p99");
	for (size_t i = 0; i < r->model_count; i++)
		row(out, &r->models[i]);
}

static double
busy_rate(const struct compare_model *m)
{
	return m->busy.rate;
}

static double
stall_p99(const struct compare_model *m)
{
	return m->stall.p99;
}

/* One bar for each model; nothing if no figure is known. */
static void
plot(FILE *out, const struct compare_report *r, const char *name,
    double figure(const struct compare_model *),
    void cell_of(FILE *, double, int))
{
	char bar[BAR_TEXT];
	double most = 0;

	for (size_t i = 0; i < r->model_count; i++) {
		double v = figure(&r->models[i]);

		most = isfinite(v) && v > most ? v : most;
	}
	if (!(most > 0))
		return;
	fprintf(out, "\n\n%s", name);
	for (size_t i = 0; i < r->model_count; i++) {
		double v = figure(&r->models[i]);

		fprintf(out, "\n  %-*s%s ", NAME_CELLS, r->models[i].model,
		    bar_text(isfinite(v) ? v / most : 0, bar));
		cell_of(out, v, 9);
	}
}

static void
heading(FILE *out, const struct compare_report *r)
{
	char work[NUM_TEXT], stall[NUM_TEXT];

	fprintf(out, "%zu ways to accept, %lld worker%s, %lld processor%s: "
	    "%lld rounds by turns", r->model_count,
	    (long long)r->workers, r->workers == 1 ? "" : "s",
	    (long long)r->processors, r->processors == 1 ? "" : "s",
	    (long long)r->rounds);
	if (r->rounds < r->planned)
		fprintf(out, " of %lld", (long long)r->planned);
	fprintf(out, "\na connection has one request of %lld B, for which a "
	    "worker uses %s of CPU;\nstalling, it sleeps at each %lld "
	    "requests for %s; most: the busiest's share\n",
	    (long long)r->size, time_text_of(r->work, work),
	    (long long)r->every, time_text_of(r->stall, stall));
}

static void
failures(FILE *out, const struct compare_report *r)
{
	for (size_t i = 0; i < r->model_count; i++) {
		const struct compare_model *m = &r->models[i];
		uint64_t failed = m->idle.failed + m->busy.failed +
		    m->stall.failed;
		uint64_t attempts = m->idle.attempts + m->busy.attempts +
		    m->stall.attempts;

		if (failed)
			fprintf(out, "\n%s: failed %llu of %llu", m->model,
			    (unsigned long long)failed,
			    (unsigned long long)attempts);
	}
}

static void
findings(FILE *out, const struct compare_report *r)
{
	if (r->rounds)
		fprintf(out, "\n\nreuseport against one shared queue, more is "
		    "better:");
	for (size_t i = 0; r->rounds && i < r->ratio_count; i++) {
		const struct compare_ratio *q = &r->ratios[i];

		fprintf(out, "\n  %-13s %5.2f x %-9s (%.2f to %.2f)  %s",
		    q->measure, q->median, q->against, q->low, q->high,
		    q->finding);
	}
}

static void
advice(FILE *out, const struct compare_report *r)
{
	for (const char *const *a = r->advice; a && *a; a++)
		fprintf(out, "\n%s", *a);
}

static void
measured(FILE *out, const struct compare_report *r)
{
	char name[64];

	table(out, r);
	snprintf(name, sizeof(name), "connections a second, %lld at a time",
	    (long long)r->concurrency);
	plot(out, r, name, busy_rate, count_cell);
	plot(out, r, "stalling p99", stall_p99, time_cell);
}

void
compare_human(FILE *out, const struct compare_report *r)
{
	heading(out, r);
	advice(out, r);
	if (r->rounds) {
		fputc('\n', out);
		measured(out, r);
	}
	for (size_t i = 0; r->detail && i < r->model_count; i++)
		fprintf(out, "%s\n%s\n%s", i ? "" : "\n",
		    r->models[i].command, r->models[i].stalling);
	failures(out, r);
	findings(out, r);
}
