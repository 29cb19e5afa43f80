#include "report/quantile.h"

#include <math.h>
#include <stdio.h>

#include "base/num.h"

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
	if (isfinite(ns))
		snprintf(text, QUANTILE_TEXT, "%s %s", shown[which].name,
		    nanoseconds_text((int64_t)ns, time));
	return text;
}
