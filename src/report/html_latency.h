#ifndef REPORT_HTML_LATENCY_H
#define REPORT_HTML_LATENCY_H

#include <stdio.h>

#include "report/probe.h"

/* The section of the latencies: for each phase its spread and percentiles. */
void html_latency(FILE *out, const struct latencies *);

#endif
