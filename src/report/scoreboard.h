#ifndef REPORT_SCOREBOARD_H
#define REPORT_SCOREBOARD_H

#include "report/member_table.h"

/*
 * A table of the members, what is fair, and the totals: lines with their
 * ends, of no more columns down to 40.
 */
void scoreboard_text(FILE *out, const struct scoreboard *,
    const struct table_style *);
/*
 * The same for the top of a screen, in at most so many lines: a title, as
 * many members as fit, what is fair. Nothing if lines are too few.
 */
void scoreboard_header(FILE *out, const struct scoreboard *,
    const struct table_style *, int lines);

#endif
