#ifndef PROBE_LOAD_RESULT_H
#define PROBE_LOAD_RESULT_H

#include <limits.h>

#include "probe/load/expected_shares.h"
#include "probe/load/load.h"
#include "probe/stats/verdict.h"
#include "report/event.h"

/* The final report of a load. */

enum { RESULT_NOTES = 8, RESULT_NOTE = 320 };

struct result {
	/* The caller's. */
	struct steering weights;	/* --expect-weights; count 0: none */
	const char *change;		/* --what-if, or NULL */
	bool cut_short;			/* by a signal */
	/* The rest is result.c's. */
	struct verdict verdict;
	struct expected_shares expect;
	struct probe_what_if what_if;
	struct reach_report reach;	/* --to, --each */
	struct reach_row *sockets;
	char host[HOST_NAME_MAX + 1];
	char started_at[TIME_TEXT], ended_at[TIME_TEXT];
	char notes[RESULT_NOTES][RESULT_NOTE];
	const char *note[RESULT_NOTES + 1];
	int note_count;
	enum predicted predicted;	/* whose the timeouts were */
	int steered;			/* 0, 1, or -1: not known */
	char unjudged[RESULT_NOTE];	/* why there is no verdict, or "" */
};

/*
 * Fills in the report when all attempts are over. It lives as long as both
 * structs. -1 without memory.
 */
int result_make(struct result *, struct load *);
/* Concludes again, with the losses of --during. */
int result_during(struct result *, const struct probe_during *);
void result_free(struct result *);

#endif
