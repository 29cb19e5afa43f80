#include "report/strip.h"

#include <math.h>

#include "base/glyph.h"
#include "base/num.h"
#include "report/color.h"
#include "report/plot.h"
#include "report/table.h"

double
strip_most(const struct rate_track *t, int cells)
{
	double most = 0;

	for (size_t i = 0; t && i < (size_t)cells && i < t->count; i++)
		most = fmax(most, (double)t->samples[t->count - 1 - i].rate);
	return most;
}

/* How many eighths of a cell in this row are filled. */
static int
strip_eighths(const struct strip *s, double rate, int row)
{
	int below = (s->rows - 1 - row) * 8, filled;

	if (!(rate > 0) || !(s->most > 0))
		return 0;
	filled = (int)ceil(rate / s->most * s->rows * 8) - below;
	return filled < 0 ? 0 : filled > 8 ? 8 : filled;
}

void
strip_row(FILE *out, const struct strip *s, int row, bool color)
{
	size_t count = s->track ? s->track->count : 0;
	size_t shown = count < (size_t)s->cells ? count : (size_t)s->cells;
	const struct rate_sample *from = s->track ?
	    s->track->samples + count - shown : NULL;
	int blanks = s->cells - (int)shown;

	for (size_t i = 0; i < shown; i++) {
		bool crossed = from[i].stopped && row == s->rows - 1;
		int eighths = strip_eighths(s, (double)from[i].rate, row);

		if (!crossed && !eighths) {
			blanks++;
			continue;
		}
		fprintf(out, "%*s", blanks, "");
		blanks = 0;
		if (crossed)
			paint(out, color, DIM, "%s", glyph(GLYPH_STOPPED));
		else
			fputs(spark_cell(eighths), out);
	}
}

void
strip_axis(FILE *out, const struct strip *s, double period, bool color)
{
	char age[NUM_TEXT], rate[NUM_TEXT], left[96], middle[96] = "";
	int room = s->cells - 3;

	snprintf(left, sizeof(left), "%s ago", age_text((int64_t)(period *
	    s->cells), age));
	if (s->most > 0)
		snprintf(middle, sizeof(middle), "full height: %s connections/s",
		    rate_text(s->most, rate));
	room -= table_cells(left) + table_cells(middle);
	if (room < 4)
		return;
	paint(out, color, DIM, "%s%*s%s%*snow", left, room / 2, "", middle,
	    room - room / 2, "");
}
