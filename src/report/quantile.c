#include "report/quantile.h"

#include <math.h>
#include <stdio.h>

#include "base/num.h"
#include "report/table.h"

enum { TIME_CELLS = 7 };		/* "35.0 us" */

const char *
quantile_text(const struct hist *h, int which, char text[static QUANTILE_TEXT])
{
	static const struct { const char *name; double p; } shown[QUANTILES] = {
		{ "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "p99.9", 99.9 },
		{ "max", 100 },
	};
	double ns = hist_quantile(h, shown[which].p);
	char time[NUM_TEXT];

	text[0] = '\0';
	if (!isfinite(ns))
		return text;
	nanoseconds_text((int64_t)ns, time);
	snprintf(text, QUANTILE_TEXT, "%s %*s%s", shown[which].name,
	    table_cells(time) < TIME_CELLS ? TIME_CELLS - table_cells(time) :
	    0, "", time);
	return text;
}
