#include "report/latency_human.h"

#include <math.h>
#include <string.h>

#include "base/glyph.h"
#include "report/plot.h"
#include "report/quantile.h"

enum {
	LABEL = 9,			/* "connect  " */
	ENOUGH = 200,			/* samples of a histogram */
	PLOT_LEAST = 60,		/* columns of the terminal */
	PLOT_MOST = 120,		/* cells of the axis */
	MARK_LEAST = 11,		/* cells between two marks */
};

struct latency_row {
	const char *name;
	const struct hist *hist;
};

static void
quantile_cell(const struct table_cell *c, int which,
    char text[static TABLE_TEXT])
{
	const struct latency_row *r = c->row;
	char quantile[QUANTILE_TEXT];

	snprintf(text, TABLE_TEXT, "%s", quantile_text(r->hist, which,
	    quantile));
}

static void
p50_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	quantile_cell(c, 0, text);
}

static void
p90_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	quantile_cell(c, 1, text);
}

static void
p99_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	quantile_cell(c, 2, text);
}

static void
p999_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	quantile_cell(c, 3, text);
}

static void
max_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	quantile_cell(c, 4, text);
}

#define QUANTILE(rank, text) \
	{ "", rank, 2, 0, false, table_has_text, text, 0, NULL, NULL, NULL }

static const struct table_column latency_columns[] = {
	{ "", .least = LABEL - 2, .text = table_text_at,
	    .at = offsetof(struct latency_row, name) },
	QUANTILE(0, p50_cell),
	QUANTILE(2, p90_cell),
	QUANTILE(4, p99_cell),
	QUANTILE(1, p999_cell),
	QUANTILE(3, max_cell),
};

/* The axis of a histogram: value = low * ratio^(cell / cells). */
struct latency_axis {
	double low, high;
	int cells;
};

/* The largest of 1, 2, 5, 10, 20, ... that is at most v; up: the next one. */
static double
round_mark(double v, bool up)
{
	double decade = pow(10, floor(log10(v))), part = v / decade;

	if (up)
		return decade * (part < 2 ? 2 : part < 5 ? 5 : 10);
	return decade * (part < 2 ? 1 : part < 5 ? 2 : 5);
}

static double
axis_value(const struct latency_axis *x, int cell)
{
	return x->low * pow(x->high / x->low, (double)cell / x->cells);
}

static void
axis_add(struct latency_axis *x, const struct hist *h)
{
	double low = round_mark(fmax((double)h->min, 1), false);
	double high = round_mark(fmax((double)h->max, 1), true);

	x->low = x->low > 0 ? fmin(x->low, low) : low;
	x->high = fmax(x->high, high);
}

/* How many samples a cell of the axis has; the last one has the highest. */
static double
axis_count(const struct latency_axis *x, const struct hist *h, int cell)
{
	uint64_t to = cell + 1 == x->cells ? h->count :
	    hist_count_to(h, (uint64_t)axis_value(x, cell + 1));
	uint64_t before = cell ? hist_count_to(h,
	    (uint64_t)axis_value(x, cell)) : 0;

	return (double)(to - before);
}

static void
histogram_row(FILE *out, const struct latency_axis *x,
    const struct latency_row *r)
{
	double values[PLOT_MOST];
	char text[SPARK_TEXT(PLOT_MOST)];

	for (int i = 0; i < x->cells; i++)
		values[i] = axis_count(x, r->hist, i);
	fprintf(out, "\n%-*s%s", LABEL, r->name, spark_text(values,
	    (size_t)x->cells, text));
}

/* "10 µs": a mark is a round number, so it needs no three digits. */
static int
mark_text(double ns, char text[static QUANTILE_TEXT])
{
	const char *const units[] = { "n", glyph(GLYPH_MICRO), "m", "" };
	size_t unit = 0;

	for (; ns >= 999.5 && unit < 3; unit++)
		ns /= 1e3;
	snprintf(text, QUANTILE_TEXT, "%g %ss", ns, units[unit]);
	return table_cells(text);
}

static void
axis_row(FILE *out, const struct latency_axis *x)
{
	char text[QUANTILE_TEXT];
	double mark = x->low, cell_of = x->cells / log(x->high / x->low);
	int cell = 0;

	fprintf(out, "\n%-*s", LABEL, "time");
	while (cell < x->cells) {
		int at = mark < x->high * 0.99 ?
		    (int)lround(log(mark / x->low) * cell_of) : x->cells;

		for (; cell < at; cell++)
			fputs(glyph(GLYPH_RULE), out);
		if (at + MARK_LEAST <= x->cells || !at) {
			cell += 1 + mark_text(mark, text);
			fprintf(out, "%s%s", glyph(GLYPH_MARK), text);
		}
		do
			mark = round_mark(mark * 1.01, true);
		while (mark < x->high * 0.99 &&
		    lround(log(mark / x->low) * cell_of) < at + MARK_LEAST);
	}
}

static bool
has_histograms(const struct latency_row *rows, size_t count,
    const struct table_style *style)
{
	if (!style->terminal || style->columns < PLOT_LEAST)
		return false;
	for (size_t i = 0; i < count; i++)
		if (rows[i].hist->count >= ENOUGH)
			return true;
	return false;
}

/* Returns how many lines it has written. */
static int
histograms(FILE *out, const struct latency_row *rows, size_t count,
    const struct table_style *style)
{
	struct latency_axis x = { .cells = style->columns - LABEL };
	int shown = 0;

	if (!has_histograms(rows, count, style))
		return 0;
	if (x.cells > PLOT_MOST)
		x.cells = PLOT_MOST;
	for (size_t i = 0; i < count; i++)
		if (rows[i].hist->count >= ENOUGH) {
			axis_add(&x, rows[i].hist);
			shown++;
		}
	for (size_t i = 0; i < count; i++)
		if (rows[i].hist->count >= ENOUGH)
			histogram_row(out, &x, &rows[i]);
	axis_row(out, &x);
	return shown + 1;
}

/* Fills rows from the latencies that there are; returns how many. */
static size_t
latency_rows(const struct latencies *l, struct latency_row rows[LATENCIES])
{
	size_t count = 0;

	for (int i = 0; i < LATENCIES; i++)
		if (l->at[i] && l->at[i]->count)
			rows[count++] = (struct latency_row){
				latency_names[i], l->at[i] };
	return count;
}

/* All but `late`, which is the last. */
static size_t
plotted_rows(const struct latencies *l, const struct latency_row *rows,
    size_t count)
{
	bool late = count && rows[count - 1].hist == l->at[LATENCY_LATE];

	return count - late;
}

int
latency_histogram(FILE *out, const struct latencies *l,
    const struct table_style *style)
{
	struct latency_row rows[LATENCIES];
	size_t count = latency_rows(l, rows);

	return histograms(out, rows, plotted_rows(l, rows, count), style);
}

void
latency_human(FILE *out, const struct latencies *l,
    const struct table_style *style)
{
	struct latency_row rows[LATENCIES];
	struct table t = {
		.column = latency_columns, .rows = rows,
		.count = sizeof(latency_columns) / sizeof(*latency_columns),
		.row_size = sizeof(*rows),
	};
	size_t plotted;

	t.row_count = latency_rows(l, rows);
	plotted = plotted_rows(l, rows, t.row_count);
	table_fit(&t, style->columns);
	for (size_t i = 0; i < t.row_count; i++) {
		fputc('\n', out);
		table_row(out, &t, style->color, &rows[i]);
	}
	if (has_histograms(rows, plotted, style))
		fprintf(out, "\nhow the times are spread:");
	histograms(out, rows, plotted, style);
}
