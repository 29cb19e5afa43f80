#ifndef REPORT_WATCH_SCREEN_H
#define REPORT_WATCH_SCREEN_H

#include "report/table.h"
#include "report/watch.h"

/* Lines for people, each with its end: at most so many, 0: as many as need. */
void watch_screen(FILE *out, const struct watch_report *,
    const struct table_style *, int lines);

#endif
