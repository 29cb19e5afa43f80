#ifndef REPORT_WATCH_LINES_H
#define REPORT_WATCH_LINES_H

#include "report/table.h"
#include "report/watch.h"

/* The lines of --watch's screen except the members', in their order. */

enum { WATCH_LINE = 512, WATCH_LINES = 17 };

struct watch_page {
	const struct watch_report *report;
	struct table_style style;
};

struct watch_line {
	int rank;			/* lower goes first; 0: never */
	/* Writes the line without its newline, or nothing. */
	void (*text)(const struct watch_page *,
	    char line[static WATCH_LINE]);
	enum color (*color)(const struct watch_report *);
};

extern const struct watch_line watch_lines[WATCH_LINES];

#endif
