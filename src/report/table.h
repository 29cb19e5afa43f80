#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "report/color.h"
#include "report/plot.h"

/*
 * Tables for people. A column is as wide as its widest cell. A column that has
 * nothing to say is left out; if the terminal is too narrow, columns are
 * dropped by their rank. A column of bars takes the width that is left, and
 * shares it with a column of plots.
 */

enum { TABLE_TEXT = 400, TABLE_COLUMNS = 16, TABLE_PLAIN = 120 };

struct table_style {
	int columns;			/* the terminal's width */
	bool color;
	bool terminal;			/* sentences are broken there */
};

struct table;
struct table_column;

/* The argument of the callbacks. */
struct table_cell {
	const struct table *table;
	const struct table_column *column;
	const void *row;		/* NULL: the column as a whole */
};

struct table_column {
	const char *head;
	int rank;			/* the lowest goes first; 0: never */
	int gap;			/* blanks before it, if it isn't first */
	int least;			/* width */
	bool right;			/* numbers */
	/* Whether it is shown; NULL: always. */
	bool (*wanted)(const struct table_cell *);
	/* Writes a cell; NULL: a column of bars or plots. */
	void (*text)(const struct table_cell *, char text[static TABLE_TEXT]);
	size_t at;			/* in a row: see table_number_at() */
	struct bar (*bar)(const struct table_cell *);
	/* Draws a cell as wide as is left over; such a column is the last. */
	void (*plot)(const struct table_cell *, FILE *, int cells, bool color);
	enum color (*color)(const struct table_cell *);	/* NULL: PLAIN */
};

struct table {
	const struct table_column *column;
	int count;			/* number of columns */
	const void *report;		/* for the callbacks */
	const void *rows;
	size_t row_count, row_size;
	int width[TABLE_COLUMNS];	/* table_fit() sets it; 0: not shown */
};

/* Chooses columns and widths so that a row fits; columns 0: no limit. */
void table_fit(struct table *, int columns);
/* Print a line without its end, or blanks that nothing follows. */
void table_head(FILE *, const struct table *, bool color);
void table_row(FILE *, const struct table *, bool color, const void *row);

/* The cell of a column in the i-th row. */
struct table_cell table_cell_at(const struct table *,
    const struct table_column *, size_t i);

/* For wanted: some cell is neither empty nor "-" (nor "0"). */
bool table_has_text(const struct table_cell *);
bool table_has_figure(const struct table_cell *);

/* For text: the row's int64_t (-1: "-"), or text (NULL or "": "-"). */
void table_number_at(const struct table_cell *, char text[static TABLE_TEXT]);
void table_text_at(const struct table_cell *, char text[static TABLE_TEXT]);

/* How many columns of a terminal a text takes. */
int table_cells(const char *text);
/*
 * Adds a part to a line of size bytes, if it then fits in columns; between
 * stands before it unless the line is empty.
 */
void table_line_add(char *line, size_t size, int columns, const char *between,
    const char *part);
/* Cuts a text that takes more columns; returns it. */
char *table_cut(char *text, int columns);
/* A foreign name in ASCII: other characters become '?', "\e" an escape. */
void table_plain(const char *raw, char text[static TABLE_PLAIN]);
/* A number, or "-" if it is not known (-1). */
void table_number(int64_t n, char text[static TABLE_TEXT]);
/* "3/128": a queue and its limit; -1: not known. */
void table_queue(int64_t queue, int64_t limit, char text[static TABLE_TEXT]);

#endif
