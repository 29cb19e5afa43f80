#ifndef REPORT_STRIP_H
#define REPORT_STRIP_H

#include <stdbool.h>
#include <stdio.h>

#include "report/rate_history.h"

/*
 * A member's accept rate over time: one or more rows of cells, a sample a cell,
 * the newest at the right. Samples of a stopped member are dim crosses.
 */
struct strip {
	const struct rate_track *track;	/* NULL: blank */
	double most;			/* the rate that fills it */
	int cells, rows;
};

/* The largest rate among the last `cells` samples; 0 without a track. */
double strip_most(const struct rate_track *, int cells);
/* Writes one row of it (0: the highest), without blanks at its end. */
void strip_row(FILE *, const struct strip *, int row, bool color);
/*
 * Writes the axis below strips of that width: "1 min ago ... full height: 120
 * connections/s ... now".
 */
void strip_axis(FILE *, const struct strip *, double period, bool color);

#endif
