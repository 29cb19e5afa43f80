#ifndef REPORT_OPENMETRICS_H
#define REPORT_OPENMETRICS_H

#include <stdint.h>
#include <stdio.h>

#include "report/probe.h"

/*
 * Writes a report as metrics, in a form that is both OpenMetrics 1.0 and
 * Prometheus' text format 0.0.4. time is CLOCK_REALTIME's, in microseconds.
 */
void openmetrics_write(FILE *out, const struct probe_report *, int64_t time);

#endif
