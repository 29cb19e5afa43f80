#ifndef REPORT_MEMBER_TABLE_H
#define REPORT_MEMBER_TABLE_H

#include "report/scoreboard.h"

/*
 * The table of a scoreboard: a headline, if wanted, and at most so many rows,
 * the last of which then counts those that there is no room for.
 */
void member_table(FILE *out, const struct scoreboard *,
    const struct table_style *, bool headline, size_t rows);

#endif
