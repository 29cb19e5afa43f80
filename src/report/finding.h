#ifndef REPORT_FINDING_H
#define REPORT_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "report/field.h"

/*
 * The findings of a report as sentences, the most important first: members that
 * do not accept, failures, members that got nothing, and the verdict. The
 * prompt, the scoreboard, probe and probe --group all use this.
 */

enum { FINDING_TEXT = 240, FINDING_LABEL = 400, FINDINGS = 6 };

struct finding {
	const char *kind;		/* "stopped", ..., or a verdict */
	const char *member;		/* NULL: of nobody, or without a name */
	int64_t pid;			/* -1 */
	const char *text;
};

/* Not to be moved: the texts are in it. */
struct finding_list {
	struct finding at[FINDINGS];
	size_t count;
	char texts[FINDINGS][FINDING_TEXT], labels[FINDINGS][FINDING_LABEL];
};

/* Unknown values are NULL, -1 or NAN. */
struct finding_member {
	const char *name, *host, *command;	/* any bytes */
	int64_t pid, worker;
	const char *state;		/* "stopped" and "paused" count */
	bool stuck;			/* clients wait, and it accepts none */
	int64_t waiting;		/* clients in its own queue */
	uint64_t count;			/* of those that are judged */
	double expected;
};

/* The facts to judge by; 0: there is none. */
struct finding_facts {
	const struct finding_member *members;
	size_t member_count;
	uint64_t attempts, failed, queued, mismatched;
	uint64_t missing;		/* too many of unknown members; 0: few */
	const char *how;		/* "refused 10, reset 2" */
	const char *failure;		/* "failed"; of --during "lost" */
	const char *verdict;		/* a token; NULL: no verdict */
	const char *unjudged;		/* why not; NULL: no word about it */
	uint64_t judged;		/* that the verdict is of */
	bool at_least;			/* silent members can't be known */
	bool live;			/* it goes on: no -n would help */
	double p;
	uint64_t enough, needed;	/* n that shows silence, or this skew */
};

void finding_make(struct finding_list *, const struct finding_facts *);

/* Writes them for people, each on a new line, indented. */
void finding_human(FILE *out, const struct finding_list *, int indent);

extern const struct field finding_fields[];	/* of struct finding */

#endif
