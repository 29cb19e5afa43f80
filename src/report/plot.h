#ifndef REPORT_PLOT_H
#define REPORT_PLOT_H

/* Bars of Unicode's eighth blocks. */

enum { BAR_CELLS = 20, BAR_TEXT = BAR_CELLS * 3 + 1 };

/*
 * A bar for part (0 to 1) of BAR_CELLS cells, filled up with spaces; what is
 * not 0 is an eighth at least.
 */
const char *bar_text(double part, char text[static BAR_TEXT]);

#endif
