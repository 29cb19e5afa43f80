#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stdint.h>
#include <stdio.h>

#include "report/probe.h"

/*
 * Writes a report as one page for a browser: HTML that is also well-formed XML,
 * loads nothing and runs no script. time is CLOCK_REALTIME's, in microseconds.
 */
void html_write(FILE *out, const struct probe_report *, int64_t time);

#endif
