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

/* All rows of a report share these. */
struct member_bars {
	const struct probe_report *report;
	bool hosts;			/* they are on several hosts */
	bool judged;			/* there is a verdict on the counts */
	uint64_t count;			/* all members' */
	int expecting;			/* members that expect some */
	double most;			/* the count that fills a bar */
};
struct member_bars member_bars_of(const struct probe_report *);
/* With a tick and a band only if there is a verdict. */
struct bar member_bar(const struct member_bars *, const struct probe_member *);

/*
 * A line for each member; if there are several hosts, one for each host too.
 * Returns whether there was room for bars.
 */
bool members_human(FILE *out, const struct probe_report *,
    const struct table_style *);

#endif
