#ifndef REPORT_SCAN_HUMAN_H
#define REPORT_SCAN_HUMAN_H

#include <stdio.h>

#include "report/event.h"
#include "report/table.h"

/*
 * "127.0.0.1:22  open  41.0 us  ssh" for each port that is open, or with -v for
 * all, then how many there are; the last line without its end.
 */
void scan_human(FILE *out, const struct event *, const struct table_style *);

#endif
