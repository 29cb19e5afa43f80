#ifndef PROBE_STATS_MERGE_H
#define PROBE_STATS_MERGE_H

#include <stdio.h>

#include "probe/stats/verdict.h"

/* Reports of probe --json, of many hosts and runs, added up to one. */

enum { MERGE_TEXT = 128, MERGE_NOTE = 200, MERGE_NOTES = 4 };

/* What all reports say alike, or not. */
struct merge_word {
	char text[MERGE_TEXT];		/* of the first; "": null */
	bool mixed;			/* not all say the same */
};

struct merge_row;

struct merge {
	struct tally tally;
	struct merge_row *rows;		/* of the tally, by who they are */
	struct addr address;		/* len 0: several, or not known */
	struct merge_word by, loop, host, steering, target, port, protocol;
	uint64_t reports;
	uint64_t counted;		/* for all members together */
	double seconds;			/* of all, one after the other */
	int fewest;			/* members of one report */
	bool unjudged;			/* one has no verdict */
	const char *why;		/* there is none together, or NULL */
	bool at_least, changed;
	uint64_t verdicts[FAIR_CHANGED + 1];
	char note[MERGE_NOTES][MERGE_NOTE];
	const char *notes[MERGE_NOTES + 1];
	int note_count;
};

/*
 * Adds the reports in a file of JSON lines, where other events are passed
 * over. Returns how many there were, or -1: a usage fault that names the line.
 */
int merge_read(struct merge *, FILE *in, const char *name);

/* What they say together; the merge must outlive it. -1 without memory. */
int merge_end(struct merge *, struct verdict *);
/* Where the kernel or a registry was asked, the host is the one that asked. */
bool merge_is_own(const char *by);

void merge_free(struct merge *);

#endif
