#ifndef REPORT_PLOT_H
#define REPORT_PLOT_H

#include <stddef.h>

/* Bars of Unicode's eighth blocks. */

enum { BAR_CELLS = 20, BAR_TEXT = BAR_CELLS * 3 + 1 };
#define SPARK_TEXT(n) ((n) * 3 + 1)

/*
 * A bar for part (0 to 1), padded with spaces to BAR_CELLS cells, or to the
 * cells asked for (at most BAR_CELLS). A part above 0 shows at least an eighth
 * of a cell.
 */
const char *bar_text(double part, char text[static BAR_TEXT]);
const char *bar_cells(double part, int cells, char text[static BAR_TEXT]);

/*
 * A column for each of n values, of 1 to 8 eighths of the largest; 0 is a
 * space. text has room for SPARK_TEXT(n).
 */
const char *spark_text(const double *values, size_t n, char *text);

#endif
