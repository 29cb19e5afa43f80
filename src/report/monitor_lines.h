#ifndef REPORT_MONITOR_LINES_H
#define REPORT_MONITOR_LINES_H

#include "report/monitor.h"
#include "report/table.h"

/* The lines of a watch's screen but those of members, in their order. */

enum { MONITOR_LINE = 512, MONITOR_LINES = 15 };

struct monitor_page {
	const struct monitor_report *report;
	struct score_style style;
};

struct monitor_line {
	int rank;			/* lower goes first; 0: never */
	/* Fills it in, without its end; not where there is nothing to say. */
	void (*text)(const struct monitor_page *,
	    char line[static MONITOR_LINE]);
	enum ink (*ink)(const struct monitor_report *);
};

extern const struct monitor_line monitor_lines[MONITOR_LINES];

#endif
