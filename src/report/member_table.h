#ifndef REPORT_MEMBER_TABLE_H
#define REPORT_MEMBER_TABLE_H

#include "report/finding.h"
#include "report/rate_history.h"
#include "report/table.h"
#include "report/view.h"

/*
 * The members of a port, as plain data: the count of each, and the share that
 * the steering should give it. Unknown values are NULL, -1 or NAN.
 */

struct member_row {
	const char *name;		/* NULL: foreign, or without -r */
	const char *command;		/* any bytes */
	const char *state;
	bool own;			/* this process's member */
	int64_t pid, accepted, open, queue, limit, drops;
	int64_t since;			/* connections since the last change */
	int64_t since_queued;		/* how many of them still wait */
	double expected;		/* its share by the steering, 0 to 1 */
	double rate;			/* a second; only in --watch */
	const struct rate_track *track;	/* NULL: none */
};

/* Fairness since the last change, of the members whose counts are known. */
struct member_fairness {
	uint64_t n, queued;		/* queued: the part not yet accepted */
	int members;
	bool equal;			/* all expect the same */
	double spread, p;		/* 99 % of fair cases are within this */
	const char *verdict;
};

struct scoreboard {
	bool probed;			/* a probe made the counts */
	const char *name;		/* our own member's, or NULL */
	const char *address, *protocol;
	const char *steering;		/* NULL: the kernel's hash */
	const char *unjudged;		/* why there is no fairness, or NULL */
	const struct member_row *rows;
	size_t count;
	const struct member_fairness *fairness;
	const struct finding_list *findings;	/* NULL: none */
	uint64_t accepted, open, queue;	/* sums of the known counts */
	double rate;			/* accepted a second */
	const double *rates;		/* earlier ones, oldest first */
	size_t rate_count;
	double period;			/* seconds between two of the rates */
};

struct member_layout {
	bool headline;
	size_t rows;			/* at most this many */
	/*
	 * Each row is followed by a strip this high, and the last by blank
	 * lines and an axis.
	 */
	int strip_rows, blanks;
	bool strip_column;		/* the table has a column of strips */
	struct view *view;		/* NULL: in the order given */
};

/*
 * Writes the table of a scoreboard. If it has more members than rows, the last
 * row counts those left out.
 */
void member_table(FILE *out, const struct scoreboard *,
    const struct table_style *, const struct member_layout *);

/*
 * Chooses a layout with strips for that many lines: below the rows if there is
 * room for all of them, else beside. Strips below fill the lines, however many
 * members there are, so that the screen's end does not move when one comes.
 * Returns how many lines the layout takes.
 */
int member_table_fit(const struct scoreboard *, struct member_layout *,
    int lines);

#endif
