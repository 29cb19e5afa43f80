/*
 * The report of --compare for people: a table of the accept models, a bar chart
 * for each measure, what follows from the ratios, and advice. ops/
 * makes the figures; nothing is computed here.
 */
#include "report/compare.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
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

enum { NAME_CELLS = 10, BARS = 3 };

static double
figure_at(const struct table_cell *c)
{
	double figure;

	memcpy(&figure, (const char *)c->row + c->column->at, sizeof(figure));
	return figure;
}

static void
figure_share_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	double share = figure_at(c);

	if (isfinite(share))
		snprintf(text, TABLE_TEXT, "%.0f %%", share * 100);
	else
		snprintf(text, TABLE_TEXT, "-");
}

static void
figure_time_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	char time[NUM_TEXT];

	snprintf(text, TABLE_TEXT, "%s", seconds_text(figure_at(c) / 1e6, time));
}

static void
figure_count_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	double n = figure_at(c);

	if (isfinite(n))
		snprintf(text, TABLE_TEXT, "%.0f", n);
	else
		snprintf(text, TABLE_TEXT, "-");
}

/* The length of a bar: the column that follows has its figure. */
static double
figure_part(const struct table_cell *c)
{
	const struct table_cell figure = { c->table, c->column + 1, c->row };
	const struct table *t = c->table;
	double v = figure_at(&figure), most = 0;

	for (size_t i = 0; i < t->row_count; i++) {
		struct table_cell other = table_cell_at(t, figure.column, i);

		if (isfinite(figure_at(&other)))
			most = fmax(most, figure_at(&other));
	}
	return isfinite(v) ? v / most : 0;
}

#define MODEL_AT(member) offsetof(struct compare_model, member)
#define FIGURE_COLUMN(head, width, text, member) \
	{ head, 0, 0, width, true, NULL, text, MODEL_AT(member), NULL, NULL }
#define NAME_COLUMN \
	{ "", .least = NAME_CELLS, .text = table_text_at, \
	    .at = MODEL_AT(model) }

static const struct table_column columns[] = {
	NAME_COLUMN,
	FIGURE_COLUMN("most", 6, figure_share_cell, idle.max_share),
	FIGURE_COLUMN("conn/s", 9, figure_count_cell, busy.rate),
	FIGURE_COLUMN("p50", 8, figure_time_cell, busy.p50),
	FIGURE_COLUMN("p99", 9, figure_time_cell, busy.p99),
	FIGURE_COLUMN("CPU", 8, figure_time_cell, busy.cpu),
	FIGURE_COLUMN("most", 7, figure_share_cell, busy.max_share),
	FIGURE_COLUMN("p50", 11, figure_time_cell, stall.p50),
	FIGURE_COLUMN("p99", 9, figure_time_cell, stall.p99),
};

static const struct table_column rate_bars[BARS] = {
	NAME_COLUMN,
	{ "", .part = figure_part },
	{ "", .gap = 1, .least = 9, .right = true, .text = figure_count_cell,
	    .at = MODEL_AT(busy.rate) },
};

static const struct table_column stall_bars[BARS] = {
	NAME_COLUMN,
	{ "", .part = figure_part },
	{ "", .gap = 1, .least = 9, .right = true, .text = figure_time_cell,
	    .at = MODEL_AT(stall.p99) },
};

static struct table
table_of(const struct compare_report *r, const struct table_column *column,
    int count)
{
	struct table t = {
		.column = column, .count = count, .rows = r->models,
		.row_count = r->model_count, .row_size = sizeof(*r->models),
	};

	table_fit(&t, 0);
	return t;
}

static void
compare_table(FILE *out, const struct compare_report *r)
{
	struct table t = table_of(r, columns,
	    sizeof(columns) / sizeof(columns[0]));
	char busy[64], stall[64];

	snprintf(busy, sizeof(busy), "%lld at a time, closed loop",
	    (long long)r->concurrency);
	snprintf(stall, sizeof(stall), "stalling, %g/s", r->rate);
	fprintf(out, "\n%*s  alone  %-38s%20s\n", NAME_CELLS - 1, "", busy,
	    stall);
	table_head(out, &t, false);
	for (size_t i = 0; i < r->model_count; i++) {
		fputc('\n', out);
		table_row(out, &t, false, &r->models[i]);
	}
}

/* One bar for each model; nothing if no figure is known. */
static void
compare_bars(FILE *out, const struct compare_report *r, const char *name,
    const struct table_column *column, int count)
{
	struct table t = table_of(r, column, count);
	bool known = false;

	for (size_t i = 0; i < r->model_count; i++) {
		struct table_cell c = table_cell_at(&t, &column[count - 1], i);

		known |= isfinite(figure_at(&c)) && figure_at(&c) > 0;
	}
	if (!known)
		return;
	fprintf(out, "\n\n%s", name);
	for (size_t i = 0; i < r->model_count; i++) {
		fputs("\n  ", out);
		table_row(out, &t, false, &r->models[i]);
	}
}

static void
compare_heading(FILE *out, const struct compare_report *r)
{
	char work[NUM_TEXT], stall[NUM_TEXT];

	fprintf(out, "%zu ways to accept, %lld worker%s, %lld processor%s: "
	    "%lld round%s by turns", r->model_count,
	    (long long)r->workers, r->workers == 1 ? "" : "s",
	    (long long)r->processors, r->processors == 1 ? "" : "s",
	    (long long)r->rounds, plural((uint64_t)r->rounds));
	if (r->rounds < r->planned)
		fprintf(out, " of %lld", (long long)r->planned);
	fprintf(out, "\na connection has one request of %lld B, for which a "
	    "worker uses %s of CPU;\nstalling, it sleeps at each %lld "
	    "requests for %s; most: the busiest's share\n",
	    (long long)r->size, seconds_text(r->work / 1e6, work),
	    (long long)r->every, seconds_text(r->stall / 1e6, stall));
}

static void
compare_failures(FILE *out, const struct compare_report *r)
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
compare_findings(FILE *out, const struct compare_report *r)
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
compare_advice(FILE *out, const struct compare_report *r)
{
	for (const char *const *a = r->advice; a && *a; a++)
		fprintf(out, "\n%s", *a);
}

static void
compare_tables(FILE *out, const struct compare_report *r)
{
	char name[64];

	compare_table(out, r);
	snprintf(name, sizeof(name), "connections a second, %lld at a time",
	    (long long)r->concurrency);
	compare_bars(out, r, name, rate_bars, BARS);
	compare_bars(out, r, "stalling p99", stall_bars, BARS);
}

void
compare_human(FILE *out, const struct compare_report *r)
{
	compare_heading(out, r);
	compare_advice(out, r);
	if (r->rounds) {
		fputc('\n', out);
		compare_tables(out, r);
	}
	for (size_t i = 0; r->detail && i < r->model_count; i++)
		fprintf(out, "%s\n%s\n%s", i ? "" : "\n",
		    r->models[i].command, r->models[i].stalling);
	compare_failures(out, r);
	compare_findings(out, r);
}
