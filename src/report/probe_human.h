#ifndef REPORT_PROBE_HUMAN_H
#define REPORT_PROBE_HUMAN_H

#include <stdio.h>

#include "report/probe.h"
#include "report/table.h"

/* Writes the report for people: lines, without the last one's end. */
void probe_human(FILE *out, const struct probe_report *,
    const struct table_style *);

#endif
