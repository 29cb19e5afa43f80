#ifndef REPORT_MEMBER_TABLE_H
#define REPORT_MEMBER_TABLE_H

#include "report/finding.h"
#include "report/table.h"

/*
 * The members of a port for people, as plain data: how much each has, and
 * whether that is what the steering would give. What is not known: NULL, -1
 * or NAN.
 */

struct member_row {
	const char *name;		/* NULL: not rpnc's */
	const char *command;		/* any bytes */
	const char *state;
	bool own;			/* the one that asks */
	int64_t pid, accepted, open, queue, limit, drops;
	int64_t since;			/* given since the last change */
	double expected;		/* its share by the steering, 0 to 1 */
	double rate;			/* a second; only where it is probed */
};

/* Of the members that count: what each was given since the last change. */
struct member_fairness {
	uint64_t n, queued;		/* queued: of n, waiting still */
	int members;
	bool equal;			/* all expect the same */
	double spread, p;		/* 99 % of the fair cases lie so near */
	const char *verdict;
};

struct scoreboard {
	bool probed;			/* counts and queue are a probe's */
	const char *name;		/* of the own member, or NULL */
	const char *address, *protocol;
	const char *steering;		/* NULL: the kernel's hash */
	const char *unjudged;		/* no fairness: why not, or NULL */
	const struct member_row *rows;
	size_t count;
	const struct member_fairness *fairness;
	const struct finding_list *findings;	/* NULL: none */
	uint64_t accepted, open, queue;	/* in all, of all that is known */
	double rate;			/* accepted a second */
	const double *rates;		/* earlier ones, oldest first */
	size_t rate_count;
};

/*
 * The table of a scoreboard: a headline, if wanted, and at most so many rows,
 * the last of which then counts those that there is no room for.
 */
void member_table(FILE *out, const struct scoreboard *,
    const struct table_style *, bool headline, size_t rows);

#endif
