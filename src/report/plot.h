#ifndef REPORT_PLOT_H
#define REPORT_PLOT_H

#include <math.h>
#include <stddef.h>

/*
 * Bars and columns of block characters; in a locale without UTF-8 of '#' and
 * other characters of ASCII. A cell is one column of the terminal.
 */

enum { BAR_CELLS = 60, BAR_TEXT = BAR_CELLS * 3 + 1 };
#define SPARK_TEXT(n) ((n) * 3 + 1)

/* Parts of the cells, 0 to 1. */
struct bar {
	double part;			/* what is filled */
	double expected, spread;	/* a tick, with a band; NAN: none */
};

/* A bar without a tick. */
#define BAR(part) ((struct bar){ (part), NAN, NAN })

/*
 * A bar, padded with spaces to this many cells (at most BAR_CELLS). A part
 * above 0 shows at least an eighth of a cell. "██████▓▓│▓▌░░": the band is
 * shaded, and the tick is always seen.
 */
const char *bar_text(const struct bar *, int cells, char text[static BAR_TEXT]);

/* A column of this many eighths, 0 to 8. */
const char *spark_cell(int eighths);
/*
 * A column for each of n values, of 1 to 8 eighths of the largest; 0 is a
 * space. text has room for SPARK_TEXT(n).
 */
const char *spark_text(const double *values, size_t n, char *text);

#endif
