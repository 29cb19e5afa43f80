#ifndef PROBE_STATS_MERGE_H
#define PROBE_STATS_MERGE_H

#include <stdio.h>

#include "probe/stats/verdict.h"
#include "report/event.h"

/* Adds up reports of probe --json, of several hosts and times. */

enum { MERGE_TEXT = 128, MERGE_NOTE = 200, MERGE_NOTES = 8 };

/* A field that should be the same in all reports. */
struct merge_word {
	char text[MERGE_TEXT];		/* in the first report; "": null */
	bool mixed;			/* not the same in all */
};

struct merge_row;

/* When the runs were: microseconds since the epoch, by their own clocks. */
struct merge_times {
	bool unknown;			/* a report does not say it */
	int64_t first, last;		/* the first start, the last end */
	int64_t last_start, first_end;
	int64_t longest;
	double overlap;			/* the least of merged ones; or 1 */
	char first_text[TIME_TEXT], last_text[TIME_TEXT];
};

struct merge {
	struct tally tally;
	struct merge_row *rows;		/* the tally's, by identity */
	struct addr address;		/* len 0: several, or not known */
	struct merge_word by, loop, host, steering, target, name, port, protocol,
	    proxy, version, cipher, alpn;
	struct labels labels;		/* those that all reports have */
	struct labels parted;		/* names of those that differ */
	uint64_t reports;
	uint64_t counted;		/* sum over all members */
	double expected;		/* the same of what they expect */
	double seconds;			/* sum over all reports */
	struct merge_times times;
	struct clock_error clock;	/* the worst of all */
	bool clockless;			/* a report does not know its clock */
	int fewest;			/* the fewest members in a report */
	bool unjudged;			/* a report has no verdict */
	const char *why;		/* the sum has no verdict, or NULL */
	bool at_least, changed;
	bool blameless;			/* a report blames nobody */
	bool steered;			/* a report says so */
	bool steering_open;		/* a report does not know */
	uint64_t verdicts[FAIR_CHANGED + 1];
	char note[MERGE_NOTES][MERGE_NOTE];
	const char *notes[MERGE_NOTES + 1];
	int note_count;
};

/*
 * Adds the reports in a file of JSON lines; other events are ignored. Returns
 * the number of reports, or -1: a usage fault that names the line.
 */
int merge_read(struct merge *, FILE *in, const char *name);

/* The verdict on the sum; the merge must outlive it. -1 without memory. */
int merge_judge(struct merge *, struct verdict *);
/* Whether members are on the host that made the report (--by). */
bool merge_is_own(const char *by);

void merge_free(struct merge *);

#endif
