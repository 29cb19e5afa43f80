#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "report/finding.h"

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

struct table_style {
	int columns;			/* of the terminal */
	bool color;
};

/*
 * The table of a scoreboard: a headline, if wanted, and at most so many rows,
 * the last of which then counts those that there is no room for.
 */
void table_table(FILE *out, const struct scoreboard *,
    const struct table_style *, bool headline, size_t rows);

/* How many cells a text takes: of what is not ASCII only bars are shown. */
int table_cells(const char *text);
/* A stranger's name, of which each character takes one cell. */
enum { TABLE_CELL = 120 };
void table_plain(const char *raw, char cell[static TABLE_CELL]);
/* A number, or "-" for what is not known (-1). */
void table_number(int64_t n, char cell[static TABLE_CELL]);

enum ink { PLAIN, BOLD, GREEN, RED, DIM };
void ink(FILE *out, const struct table_style *, enum ink, const char *text);

#endif
