/*
 * The report of --compare for people: advice, a table of the accept models, a
 * bar chart for each measure, the ratios, and what was measured. ops/ makes
 * the figures; nothing is computed here.
 */
#include "report/compare.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "report/table.h"

#define FIGURE(name, type, member) FIELD(compare_figures, name, type, member)
#define MODEL(name, type, member) FIELD(compare_model, name, type, member)
#define RATIO(name, type, member) FIELD(compare_ratio, name, type, member)
#define LONG(name, type, member) FIELD(compare_long_figures, name, type, member)
#define REPORT(name, type, member) FIELD(compare_report, name, type, member)

static const struct field figures[] = {
	FIGURE("attempts", FIELD_COUNT, attempts),
	FIGURE("failed", FIELD_COUNT, failed),
	FIGURE("rate", FIELD_SECONDS, rate),
	FIGURE("p50", FIELD_SECONDS, p50),
	FIGURE("p99", FIELD_SECONDS, p99),
	FIGURE("too_few", FIELD_TEXT, too_few),
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

static const struct field long_figures[] = {
	LONG("connections", FIELD_NUMBER, connections),
	LONG("hash", FIELD_SECONDS, hash),
	LONG("least", FIELD_SECONDS, least),
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
	FIELD_FROM(compare_report, "long", FIELD_PART, long_connections,
	    long_figures),
	REPORT("verdict", FIELD_TEXT, verdict),
	REPORT("advice", FIELD_WORDS, advice),
	{ 0 },
};

enum {
	NAME_CELLS = 10, BARS = 3,
	BAR_WIDTH = 80,			/* columns of a row with a bar */
	WHOLE = 80,			/* columns of the whole table */
	FLATTENING = 5,
};

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

/* The bars of a measure: linear, or logarithmic from low on. */
struct bar_scale {
	double low, high;		/* low 0: linear */
};

static double
figure_of(const struct table *t, const struct table_column *column, size_t i)
{
	struct table_cell c = table_cell_at(t, column, i);

	return figure_at(&c);
}

/*
 * If the longest bar is over FLATTENING times the median one, the others could
 * not be told apart; then the scale is logarithmic, from a power of 10 below
 * the least figure on.
 */
static struct bar_scale
scale_of(const struct table *t, const struct table_column *column)
{
	double least = INFINITY, most = 0;
	size_t small = 0, known = 0;

	for (size_t i = 0; i < t->row_count; i++) {
		double v = figure_of(t, column, i);

		known += v > 0;
		least = v > 0 ? fmin(least, v) : least;
		most = v > 0 ? fmax(most, v) : most;
	}
	for (size_t i = 0; i < t->row_count; i++)
		small += figure_of(t, column, i) * FLATTENING < most;
	if (!known || small * 2 < known)
		return (struct bar_scale){ 0, most };
	return (struct bar_scale){ pow(10, floor(log10(least * 0.7))), most };
}

/* The length of a bar: the column that follows has its figure. */
static struct bar
figure_bar(const struct table_cell *c)
{
	const struct table_cell figure = { c->table, c->column + 1, c->row };
	struct bar_scale scale = scale_of(c->table, figure.column);
	double v = figure_at(&figure);

	if (!(v > 0))
		return BAR(0);
	return BAR(scale.low > 0 ? log(v / scale.low) /
	    log(scale.high / scale.low) : v / scale.high);
}

#define MODEL_AT(member) offsetof(struct compare_model, member)
#define FIGURE_COLUMN(head, rank, width, text, member) \
	{ head, rank, 1, (width) - 1, true, NULL, text, MODEL_AT(member), NULL, \
	    NULL, NULL }
#define NAME_COLUMN \
	{ "", .least = NAME_CELLS, .text = table_text_at, \
	    .at = MODEL_AT(model) }

static const struct table_column columns[] = {
	NAME_COLUMN,
	FIGURE_COLUMN("most", 1, 5, figure_share_cell, idle.max_share),
	FIGURE_COLUMN("conn/s", 0, 9, figure_count_cell, busy.rate),
	FIGURE_COLUMN("p50", 3, 8, figure_time_cell, busy.p50),
	FIGURE_COLUMN("p99", 0, 9, figure_time_cell, busy.p99),
	FIGURE_COLUMN("CPU", 5, 8, figure_time_cell, busy.cpu),
	FIGURE_COLUMN("most", 2, 7, figure_share_cell, busy.max_share),
	FIGURE_COLUMN("stall p50", 4, 12, figure_time_cell, stall.p50),
	FIGURE_COLUMN("stall p99", 0, 10, figure_time_cell, stall.p99),
};

static const struct table_column rate_bars[BARS] = {
	NAME_COLUMN,
	{ "", .bar = figure_bar },
	{ "", .gap = 1, .least = 9, .right = true, .text = figure_count_cell,
	    .at = MODEL_AT(busy.rate) },
};

static const struct table_column stall_bars[BARS] = {
	NAME_COLUMN,
	{ "", .bar = figure_bar },
	{ "", .gap = 1, .least = 9, .right = true, .text = figure_time_cell,
	    .at = MODEL_AT(stall.p99) },
};

static struct table
table_of(const struct compare_report *r, const struct table_column *column,
    int count, int width)
{
	struct table t = {
		.column = column, .count = count, .rows = r->models,
		.row_count = r->model_count, .row_size = sizeof(*r->models),
	};

	table_fit(&t, width);
	return t;
}

static void
compare_table(FILE *out, const struct compare_report *r,
    const struct table_style *style)
{
	struct table t = table_of(r, columns,
	    sizeof(columns) / sizeof(columns[0]), style->columns);
	char busy[64], stall[64];

	snprintf(busy, sizeof(busy), "%lld at a time, closed loop",
	    (long long)r->concurrency);
	snprintf(stall, sizeof(stall), "stalling, %g/s", r->rate);
	if (style->columns >= WHOLE)
		fprintf(out, "\n%*s alone  %-41s%20s", NAME_CELLS - 1, "",
		    busy, stall);
	fputc('\n', out);
	table_head(out, &t, style->color);
	for (size_t i = 0; i < r->model_count; i++) {
		fputc('\n', out);
		table_row(out, &t, style->color, &r->models[i]);
	}
}

/* One bar for each model; nothing if no figure is known. */
static void
compare_bars(FILE *out, const struct compare_report *r, const char *name,
    const struct table_column *column, const struct table_style *style)
{
	struct table t = table_of(r, column, BARS, style->columns < BAR_WIDTH ?
	    style->columns - 2 : BAR_WIDTH - 2);
	struct bar_scale scale = scale_of(&t, &column[BARS - 1]);

	if (!(scale.high > 0))
		return;
	fprintf(out, "\n\n%s", name);
	if (scale.low > 0)
		fprintf(out, ", logarithmic");
	for (size_t i = 0; i < r->model_count; i++) {
		fputs("\n  ", out);
		table_row(out, &t, style->color, &r->models[i]);
	}
}

static void
compare_heading(FILE *out, const struct compare_report *r, bool colored)
{
	char time[NUM_TEXT];

	paint(out, colored, BOLD, "%zu ways to accept", r->model_count);
	fprintf(out, ", %lld worker%s, %lld processor%s: %lld round%s by "
	    "turns",
	    (long long)r->workers, r->workers == 1 ? "" : "s",
	    (long long)r->processors, r->processors == 1 ? "" : "s",
	    (long long)r->rounds, plural((uint64_t)r->rounds));
	if (r->rounds < r->planned)
		fprintf(out, " of %lld", (long long)r->planned);
	fprintf(out, ", %s", seconds_text(r->seconds, time));
}

/* Explains the rows and columns, and so stands below the figures. */
static void
compare_grounds(FILE *out, const struct compare_report *r)
{
	char work[NUM_TEXT], stall[NUM_TEXT];

	fprintf(out, "\n\nshared: one queue, a connection wakes all workers; "
	    "exclusive: it wakes one;\nreuseport: a queue for each worker; "
	    "blocking: one queue, workers block in accept;\nhandoff: one "
	    "process accepts for all; fork: a process for each connection");
	fprintf(out, "\na connection has one request of %lld B, for which a "
	    "worker uses %s of CPU;\na stalling worker sleeps %s every %lld "
	    "requests;\nmost: the share of the busiest worker",
	    (long long)r->size, seconds_text(r->work / 1e6, work),
	    seconds_text(r->stall / 1e6, stall), (long long)r->every);
	for (size_t i = 0; i < r->model_count; i++) {
		const struct compare_model *m = &r->models[i];
		const char *few = m->busy.too_few ? m->busy.too_few :
		    m->stall.too_few;

		if (few) {
			fprintf(out, "\n-: %s", few);
			return;
		}
	}
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
		fprintf(out, "\n\nreuseport against one shared queue, over 1 is "
		    "better (least to most):");
	for (size_t i = 0; r->rounds && i < r->ratio_count; i++) {
		const struct compare_ratio *q = &r->ratios[i];

		fprintf(out, "\n  %-13s %5.2f x %-9s (%.2f to %.2f)  %s",
		    q->measure, q->median, q->against, q->low, q->high,
		    q->finding);
	}
}

static void
compare_advice(FILE *out, const struct compare_report *r, bool colored)
{
	for (const char *const *a = r->advice; a && *a; a++) {
		fputc('\n', out);
		paint(out, colored, a == r->advice ? BOLD : PLAIN, "%s", *a);
	}
}

static void
compare_tables(FILE *out, const struct compare_report *r,
    const struct table_style *style)
{
	char name[64];

	compare_table(out, r, style);
	snprintf(name, sizeof(name), "connections a second, %lld at a time",
	    (long long)r->concurrency);
	compare_bars(out, r, name, rate_bars, style);
	compare_bars(out, r, "stalling p99", stall_bars, style);
}

void
compare_human(FILE *out, const struct compare_report *r,
    const struct table_style *style)
{
	compare_heading(out, r, style->color);
	compare_advice(out, r, style->color);
	if (r->rounds) {
		fputc('\n', out);
		compare_tables(out, r, style);
	}
	compare_failures(out, r);
	compare_findings(out, r);
	if (r->rounds)
		compare_grounds(out, r);
	for (size_t i = 0; r->detail && i < r->model_count; i++)
		fprintf(out, "%s\n%s\n%s", i ? "" : "\n",
		    r->models[i].command, r->models[i].stalling);
}
