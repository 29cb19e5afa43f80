#ifndef REPORT_MONITOR_SCREEN_H
#define REPORT_MONITOR_SCREEN_H

#include "report/monitor.h"
#include "report/table.h"

/* Lines for people, each with its end: at most so many, 0: as many as need. */
void monitor_screen(FILE *out, const struct monitor_report *,
    const struct score_style *, int lines);

#endif
