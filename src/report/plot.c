#include "report/plot.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/glyph.h"

/* Eighths of a cell; in ASCII halves, and any part is more than a blank. */
static const char bar_blocks[2][9][4] = {
	{ " ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" },
	{ " ", "-", "-", "-", "-", "#", "#", "#", "#" },
};
static const char spark_blocks[2][9][4] = {
	{ " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" },
	{ " ", "_", ".", ",", "-", "=", "+", "*", "#" },
};

/* Whether the band has the middle of the cell. */
static bool
bar_is_band(const struct bar *b, int cell, int cells)
{
	double middle = (cell + 0.5) / cells;

	return !isnan(b->expected) &&
	    fabs(middle - b->expected) <= b->spread + 0.5 / cells;
}

static bool
bar_is_tick(const struct bar *b, int cell, int cells)
{
	int tick = isnan(b->expected) ? -1 : (int)(b->expected * cells);

	return cell == (tick < cells ? tick : cells - 1);
}

/* A cell of which this many eighths are filled. */
static const char *
bar_cell(const struct bar *b, int cell, int cells, int eighths)
{
	if (bar_is_tick(b, cell, cells))
		return glyph(GLYPH_TICK);
	if (eighths == 8 && bar_is_band(b, cell, cells))
		return glyph(GLYPH_BAND_FILLED);
	if (!eighths && bar_is_band(b, cell, cells))
		return glyph(GLYPH_BAND);
	return bar_blocks[glyph_ascii()][eighths];
}

const char *
bar_text(const struct bar *b, int cells, char text[static BAR_TEXT])
{
	double part = b->part > 0 ? fmin(b->part, 1) : 0;
	int eighths, left;
	char *to = text;

	if (cells > BAR_CELLS)
		cells = BAR_CELLS;
	eighths = (int)lround(part * cells * 8);
	if (part > 0 && !eighths)
		eighths = 1;
	*to = '\0';
	for (int i = 0; i < cells; i++, eighths -= left) {
		left = eighths < 8 ? eighths : 8;
		to = stpcpy(to, bar_cell(b, i, cells, left));
	}
	return text;
}

const char *
spark_cell(int eighths)
{
	return spark_blocks[glyph_ascii()][eighths];
}

const char *
spark_text(const double *values, size_t n, char *text)
{
	double most = 0;
	char *to = text;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, values[i]);
	*to = '\0';
	for (size_t i = 0; i < n; i++)
		to = stpcpy(to, spark_cell(values[i] > 0 ?
		    (int)ceil(values[i] / most * 8) : 0));
	return text;
}
