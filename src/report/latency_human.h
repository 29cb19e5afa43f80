#ifndef REPORT_LATENCY_HUMAN_H
#define REPORT_LATENCY_HUMAN_H

#include <stdio.h>

#include "report/probe.h"
#include "report/table.h"

/*
 * Writes a row of percentiles for each latency. At a terminal with room for it
 * a histogram follows: a row for each latency that has enough samples, except
 * `late`, which the server does not cause, and a logarithmic axis. Each line
 * begins with a newline.
 */
void latency_human(FILE *out, const struct latencies *,
    const struct table_style *);
/* The histogram alone. Returns its lines, 0 if there is none. */
int latency_histogram(FILE *out, const struct latencies *,
    const struct table_style *);

#endif
