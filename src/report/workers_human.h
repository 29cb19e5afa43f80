#ifndef REPORT_WORKERS_HUMAN_H
#define REPORT_WORKERS_HUMAN_H

#include <stdio.h>

#include "report/event.h"
#include "report/table.h"

/* The rows of echo's report, each on a new line. */
void workers_human(FILE *out, const struct event *,
    const struct table_style *);

#endif
