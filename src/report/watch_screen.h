#ifndef REPORT_WATCH_SCREEN_H
#define REPORT_WATCH_SCREEN_H

#include "report/table.h"
#include "report/view.h"
#include "report/watch.h"

/*
 * Writes lines for people, with their newlines: at most this many; 0: no limit,
 * and no strips and no histogram. view: NULL if the user can't choose what to
 * see.
 */
void watch_screen(FILE *out, const struct watch_report *,
    const struct table_style *, struct view *, int lines);

#endif
