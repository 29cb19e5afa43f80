#ifndef PROBE_LOAD_RESULT_H
#define PROBE_LOAD_RESULT_H

#include <limits.h>

#include "probe/load/expected_shares.h"
#include "probe/load/load.h"
#include "probe/stats/verdict.h"

/* What a run found, and what is to be said of it. */

enum { RESULT_NOTES = 8, RESULT_NOTE = 200 };

struct result {
	/* what is asked: the caller's */
	struct steering weights;	/* --expect-weights; count 0: none */
	const char *change;		/* --what-if, or NULL */
	bool cut_short;			/* by a signal */
	/* what is answered */
	struct verdict verdict;
	struct expected_shares expect;
	struct probe_what_if what_if;
	char host[HOST_NAME_MAX + 1];
	char notes[RESULT_NOTES][RESULT_NOTE];
	const char *note[RESULT_NOTES + 1];
	int note_count;
	char unjudged[RESULT_NOTE];	/* why there is no verdict, or "" */
};

/*
 * When all attempts of a run are over: fills in the report, which lives as
 * long as both. -1 without memory.
 */
int result_make(struct result *, struct load *);
/* Concludes again, now with the losses of --during. */
int result_during(struct result *, const struct probe_during *);
void result_free(struct result *);

#endif
