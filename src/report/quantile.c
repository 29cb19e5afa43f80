#include "report/quantile.h"

#include <math.h>
#include <stdio.h>

#include "base/num.h"
#include "report/table.h"

enum { TIME_CELLS = 7 };		/* "35.0 us" */

/* key: its name in JSON. */
static const struct { const char *name, *key; double p; } shown[QUANTILES] = {
	{ "p50", "p50", 50 }, { "p90", "p90", 90 }, { "p99", "p99", 99 },
	{ "p99.9", "p999", 99.9 }, { "max", "max", 100 },
};

const char *
quantile_too_few(const struct hist *h, unsigned which,
    char text[static QUANTILE_FEW])
{
	size_t length = 0;

	for (int i = 0; i < QUANTILES; i++) {
		unsigned long long n = hist_needed(shown[i].p);

		if (!(which & 1u << i) || h->count >= n)
			continue;
		length += (size_t)snprintf(text + length, QUANTILE_FEW - length,
		    "%s%s needs %llu sample%s", length ? ", " : "",
		    shown[i].key, n, plural(n));
	}
	return length ? text : NULL;
}

const char *
quantile_text(const struct hist *h, int which, char text[static QUANTILE_TEXT])
{
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
