#ifndef REPORT_PROBE_HUMAN_H
#define REPORT_PROBE_HUMAN_H

#include <stdio.h>

#include "report/probe.h"

/* Writes the report for people: lines, without the last one's end. */
void probe_human(FILE *out, const struct probe_report *);

#endif
