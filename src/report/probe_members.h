#ifndef REPORT_PROBE_MEMBERS_H
#define REPORT_PROBE_MEMBERS_H

#include <stdio.h>

#include "report/plot.h"
#include "report/probe.h"
#include "report/table.h"

/* The members of a probe's report, for people. */

enum { MEMBER_TEXT = 400 };

/* "A/0", "-"; escaped, because any server can send it. */
void member_label(const struct probe_member *, char text[static MEMBER_TEXT]);

/*
 * A member's bar, which a count of `most` fills; with a tick and a band if there
 * is a verdict on the counts.
 */
struct bar member_bar(const struct probe_report *, const struct probe_member *,
    double most);

/*
 * A line for each member; if there are several hosts, one for each host too.
 * Returns whether there was room for bars.
 */
bool members_human(FILE *out, const struct probe_report *,
    const struct table_style *);

#endif
