/*
 * The one renderer of tables. table_fit() gives each column the width of its
 * widest cell. While a row is too wide for the terminal, it drops the column of
 * the lowest rank. The width that is left goes to the column of bars.
 */
#include "report/table.h"

#include <string.h>

#include "base/escape.h"

enum {
	BAR_LEAST = 6,
	BAR_USUAL = 20,
	PLOT_LEAST = 12,		/* a column of plots, and as much left */
};

int
table_cells(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

void
table_line_add(char *line, size_t size, int columns, const char *between,
    const char *part)
{
	size_t length = strlen(line);

	if (!length)
		between = "";
	if (*part && table_cells(line) + table_cells(between) +
	    table_cells(part) <= columns)
		snprintf(line + length, size - length, "%s%s", between, part);
}

char *
table_cut(char *text, int columns)
{
	char *end = text;

	for (; *end; end++)
		if ((*end & 0xc0) != 0x80 && columns-- <= 0)
			break;
	*end = '\0';
	return text;
}

void
table_plain(const char *raw, char text[static TABLE_PLAIN])
{
	char safe[TABLE_PLAIN];
	size_t length = strnlen(raw, (TABLE_PLAIN - 1) / ESCAPE_MAX);
	char *to = text;

	escape(raw, length, false, safe);
	for (const char *from = safe; *from; from++)
		if (!(*from & 0x80))
			*to++ = *from;
		else if (*from & 0x40)
			*to++ = '?';
	*to = '\0';
}

void
table_number(int64_t n, char text[static TABLE_TEXT])
{
	if (n < 0)
		snprintf(text, TABLE_TEXT, "-");
	else
		snprintf(text, TABLE_TEXT, "%lld", (long long)n);
}

void
table_queue(int64_t queue, int64_t limit, char text[static TABLE_TEXT])
{
	if (queue < 0 || limit < 0)
		table_number(queue, text);
	else
		snprintf(text, TABLE_TEXT, "%lld/%lld", (long long)queue,
		    (long long)limit);
}

void
table_number_at(const struct table_cell *c, char text[static TABLE_TEXT])
{
	table_number(*(const int64_t *)((const char *)c->row + c->column->at),
	    text);
}

void
table_text_at(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const char *raw = *(const char *const *)((const char *)c->row +
	    c->column->at);

	if (raw && *raw)
		table_plain(raw, text);
	else
		snprintf(text, TABLE_TEXT, "-");
}

struct table_cell
table_cell_at(const struct table *t, const struct table_column *column,
    size_t row)
{
	return (struct table_cell){ t, column,
		(const char *)t->rows + row * t->row_size };
}

static bool
table_has(const struct table_cell *whole, const char *nothing)
{
	const struct table *t = whole->table;
	char text[TABLE_TEXT];

	for (size_t i = 0; i < t->row_count; i++) {
		struct table_cell c = table_cell_at(t, whole->column, i);

		c.column->text(&c, text);
		if (*text && strcmp(text, "-") != 0 &&
		    strcmp(text, nothing) != 0)
			return true;
	}
	return false;
}

bool
table_has_text(const struct table_cell *c)
{
	return table_has(c, "");
}

bool
table_has_figure(const struct table_cell *c)
{
	return table_has(c, "0");
}

static bool
column_is_wanted(const struct table *t, int column)
{
	const struct table_cell c = { t, &t->column[column], NULL };

	return !c.column->wanted || c.column->wanted(&c);
}

static bool
table_wants(const struct table *t, int column)
{
	return t->column[column].text && column_is_wanted(t, column);
}

static int
larger(int a, int b)
{
	return a > b ? a : b;
}

/* The widest cell, with the head. */
static int
table_width(const struct table *t, int column)
{
	const struct table_column *c = &t->column[column];
	int width = larger(table_cells(c->head), c->least);
	char text[TABLE_TEXT];

	for (size_t i = 0; i < t->row_count; i++) {
		struct table_cell cell = table_cell_at(t, c, i);

		c->text(&cell, text);
		width = larger(width, table_cells(text));
	}
	return width;
}

/* The width of a row, with its gaps. */
static int
table_sum(const struct table *t)
{
	int sum = 0;

	for (int i = 0; i < t->count; i++)
		if (t->width[i])
			sum += (sum ? t->column[i].gap : 0) + t->width[i];
	return sum;
}

/* The column that is dropped first, or -1. */
static int
table_next_to_go(const struct table *t)
{
	int found = -1;

	for (int i = 0; i < t->count; i++)
		if (t->width[i] && t->column[i].rank && (found < 0 ||
		    t->column[i].rank < t->column[found].rank))
			found = i;
	return found;
}

/* Plots get half of what is left, or what bars leave over if that is more. */
static void
table_fit_plot(struct table *t, int columns)
{
	for (int i = 0; i < t->count; i++) {
		int room = columns - table_sum(t) - t->column[i].gap;

		if (!t->column[i].plot || !column_is_wanted(t, i) ||
		    room < 2 * PLOT_LEAST)
			continue;
		t->width[i] = larger(room / 2, room - BAR_CELLS);
	}
}

static void
table_fit_bar(struct table *t, int columns)
{
	for (int i = 0; i < t->count; i++) {
		int room = columns - table_sum(t) - t->column[i].gap;

		if (!t->column[i].bar)
			continue;
		t->width[i] = !columns ? BAR_USUAL : room > BAR_CELLS ?
		    BAR_CELLS : room < BAR_LEAST ? 0 : room;
	}
}

void
table_fit(struct table *t, int columns)
{
	int gone;

	/* a cell may depend on whether another column is shown */
	for (int i = 0; i < t->count; i++)
		t->width[i] = 1;
	for (int i = 0; i < t->count; i++)
		t->width[i] = table_wants(t, i) ? table_width(t, i) : 0;
	while (columns && table_sum(t) > columns &&
	    (gone = table_next_to_go(t)) >= 0) {
		t->width[gone] = 0;
		/* the first column may show what the dropped one said */
		if (t->width[0])
			t->width[0] = table_width(t, 0);
	}
	table_fit_plot(t, columns);
	table_fit_bar(t, columns);
}

static void
table_bar(const struct table_cell *c, int width, char text[static TABLE_TEXT])
{
	struct bar bar = c->column->bar(c);

	bar_text(&bar, width, text);
}

/* Writes a cell, or the head if row is NULL; returns its colour. */
static enum color
table_cell_text(const struct table_cell *c, int width,
    char text[static TABLE_TEXT])
{
	if (!c->row) {
		snprintf(text, TABLE_TEXT, "%s", c->column->head);
		return DIM;
	}
	if (c->column->text)
		c->column->text(c, text);
	else
		table_bar(c, width, text);
	return c->column->color ? c->column->color(c) : PLAIN;
}

void
table_row(FILE *out, const struct table *t, bool color, const void *row)
{
	char text[TABLE_TEXT];
	int blanks = 0, shown = 0;

	for (int i = 0; i < t->count; i++) {
		const struct table_cell c = { t, &t->column[i], row };
		enum color ink;
		int pad;

		if (!t->width[i])
			continue;
		if (row && c.column->plot) {
			fprintf(out, "%*s", blanks + c.column->gap, "");
			c.column->plot(&c, out, t->width[i], color);
			return;
		}
		ink = table_cell_text(&c, t->width[i], text);
		pad = t->width[i] - table_cells(text);
		blanks += (shown++ ? c.column->gap : 0) +
		    (c.column->right ? pad : 0);
		if (*text) {
			fprintf(out, "%*s", blanks, "");
			paint(out, color, ink, "%s", text);
			blanks = 0;
		}
		blanks += c.column->right ? 0 : pad;
	}
}

void
table_head(FILE *out, const struct table *t, bool color)
{
	table_row(out, t, color, NULL);
}
