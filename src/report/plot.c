#include "report/plot.h"

#include <math.h>
#include <string.h>

const char *
bar_text(double part, char text[static BAR_TEXT])
{
	static const char blocks[9][4] = {
		" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█",
	};
	int eighths, left;
	char *to = text;

	if (!(part > 0))
		part = 0;
	eighths = (int)lround(fmin(part, 1) * BAR_CELLS * 8);
	if (part > 0 && !eighths)
		eighths = 1;
	for (int i = 0; i < BAR_CELLS; i++, eighths -= left) {
		left = eighths < 8 ? eighths : 8;
		to = stpcpy(to, blocks[left]);
	}
	return text;
}
