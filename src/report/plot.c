#include "report/plot.h"

#include <math.h>
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

const char *
bar_cells(double part, int cells, char text[static BAR_TEXT])
{
	int eighths, left;
	char *to = text;

	if (!(part > 0))
		part = 0;
	if (cells > BAR_CELLS)
		cells = BAR_CELLS;
	eighths = (int)lround(fmin(part, 1) * cells * 8);
	if (part > 0 && !eighths)
		eighths = 1;
	*to = '\0';
	for (int i = 0; i < cells; i++, eighths -= left) {
		left = eighths < 8 ? eighths : 8;
		to = stpcpy(to, bar_blocks[glyph_ascii()][left]);
	}
	return text;
}

const char *
bar_text(double part, char text[static BAR_TEXT])
{
	return bar_cells(part, BAR_CELLS, text);
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
		to = stpcpy(to, spark_blocks[glyph_ascii()][values[i] > 0 ?
		    (int)ceil(values[i] / most * 8) : 0]);
	return text;
}
