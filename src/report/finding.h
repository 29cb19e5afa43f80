#ifndef REPORT_FINDING_H
#define REPORT_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/member.h"
#include "report/color.h"
#include "report/field.h"

/*
 * The findings of a report as sentences, the most important first: members that
 * do not accept, failures, members that got nothing, and the verdict. The
 * prompt, the scoreboard, probe and probe --group all use this.
 */

enum { FINDING_TEXT = 560, FINDING_LABEL = 400, FINDINGS = 6 };

struct finding {
	const char *kind;		/* "stopped", ..., or a verdict */
	const char *member;		/* NULL: no member, or no name */
	int64_t pid;			/* -1 */
	const char *text;
	const char *brief;		/* "B stopped: 22 wait" */
};

/* Don't copy or move it: the entries point into texts and labels. */
struct finding_list {
	struct finding at[FINDINGS];
	size_t count;
	bool idle;			/* some member accepts nothing */
	char texts[FINDINGS][FINDING_TEXT], briefs[FINDINGS][FINDING_TEXT];
	char labels[FINDINGS][FINDING_LABEL];
};

/* Unknown values are NULL, -1 or NAN. */
struct finding_member {
	struct member who;
	const char *state;		/* "stopped" and "paused" count */
	bool stuck;			/* clients wait, and it accepts none */
	int64_t waiting;		/* clients in its own queue */
	bool silent;			/* it answered none of: */
	uint64_t due;			/* attempts that were for it */
	uint64_t count;			/* judged connections */
	double expected;
};

/* The facts that findings are made of; 0: none. */
struct finding_facts {
	const struct finding_member *members;
	size_t member_count;
	uint64_t attempts, failed, queued, mismatched;
	uint64_t missing;		/* attempts of unknown members */
	const char *how;		/* "refused 10, reset 2" */
	const char *failure;		/* "failed"; in --during "lost" */
	/* Sentences on --expect-weights; NULL: they fit the members. */
	const char *absent, *unlisted;
	bool steered;			/* a program chooses the member */
	const char *steering;		/* how, if rpnc's members say so */
	const char *verdict;		/* a token; NULL: no verdict */
	const char *unjudged;		/* why there is none; NULL: not said */
	uint64_t judged;		/* attempts behind the verdict */
	bool at_least;			/* silent members can't be known */
	bool running;			/* -n does not apply */
	double p;
	uint64_t enough, needed;	/* -n to see silence, or this skew */
};

void finding_make(struct finding_list *, const struct finding_facts *);

/* Writes them for people, each on a new line, indented. */
void finding_human(FILE *out, const struct finding_list *, int indent,
    bool colored);
/* The text if it fits the columns, else the brief one, cut if too wide. */
const char *finding_fit(const struct finding *, int columns,
    char text[static FINDING_TEXT]);
/* Red for what is wrong, green for what is as it should be. */
enum color finding_color(const char *kind);

extern const struct field finding_fields[];	/* for struct finding */

#endif
