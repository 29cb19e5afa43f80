#include "report/hdr_log.h"

#include <stdlib.h>

#include "math/hist_hdr.h"
#include "report/event.h"

static const double NS_PER_MS = 1e6;

void
hdr_log_head(FILE *out, int64_t started)
{
	double seconds = (double)started / 1e6;
	char time[TIME_TEXT];

	fprintf(out, "#[Logged by rpnc probe; values in nanoseconds]\n"
	    "#[Histogram log format version 1.3]\n"
	    "#[StartTime: %.3f (seconds since epoch), %s]\n"
	    "#[BaseTime: %.3f (seconds since epoch)]\n"
	    "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
	    "\"Interval_Compressed_Histogram\"\n", seconds,
	    time_text(started, time), seconds);
}

int
hdr_log_line(FILE *out, const char *tag, double at, double length,
    const struct hist *h)
{
	char *text;

	if (hist_hdr_encode(h, &text) < 0)
		return -1;
	fprintf(out, "Tag=%s,%.3f,%.3f,%.3f,%s\n", tag, at, length,
	    (double)h->max / NS_PER_MS, text);
	free(text);
	return 0;
}
