#ifndef REPORT_SCOREBOARD_H
#define REPORT_SCOREBOARD_H

#include "report/member_table.h"

/*
 * Writes a table of the members, what is fair, and the totals, in lines with
 * their newlines; they fit a terminal of 40 columns or more.
 */
void scoreboard_text(FILE *out, const struct scoreboard *,
    const struct table_style *);
/*
 * The same for a live screen, in at most this many lines: a title, the members
 * that fit, what is fair; in one line the title alone. view: NULL if
 * the user can't choose what to see.
 */
void scoreboard_header(FILE *out, const struct scoreboard *,
    const struct table_style *, struct view *, int lines);

#endif
