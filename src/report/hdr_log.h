#ifndef REPORT_HDR_LOG_H
#define REPORT_HDR_LOG_H

#include <stdint.h>
#include <stdio.h>

#include "math/hist.h"

/*
 * HdrHistogram's log, V2: header lines, then a line for each interval and tag.
 * Source: HdrHistogram 2.2.2, HistogramLogWriter.java, HistogramLogReader.java.
 */

/* started: CLOCK_REALTIME's, in microseconds. The lines count from it. */
void hdr_log_head(FILE *out, int64_t started);

/*
 * at and length are seconds. tag has no comma and no blank. h is in
 * nanoseconds; the line's maximum is in milliseconds, as HistogramLogProcessor
 * shows it. -1 without memory.
 */
int hdr_log_line(FILE *out, const char *tag, double at, double length,
    const struct hist *h);

#endif
