#ifndef PROBE_LOAD_EXPECTED_SHARES_H
#define PROBE_LOAD_EXPECTED_SHARES_H

#include "group/steer/reconcile.h"
#include "probe/stats/verdict.h"
#include "probe/who/registry_counts.h"

/* Expected shares: by the user, or by how the group is steered. */

enum { EXPECT_NOTE = 200 };

struct expected_shares {
	struct steering given;		/* --expect-weights; count 0: none */
	bool local;			/* the target is on this host */
	bool weighed;			/* the rows' weights are their sockets */
	char note[EXPECT_NOTE];		/* for the report, or "" */
	/* Why the given weights can't fit: findings, or "". */
	char absent[EXPECT_NOTE], unlisted[EXPECT_NOTE];
	char unjudged[EXPECT_NOTE];	/* why there is no verdict, or "" */
	char steering[MODE_TEXT];	/* how the members steer, or "" */
};

/* Reads "A=70,4242=30"; -1: a usage fault. */
int expected_shares_read(const char *text, struct steering *out);

/*
 * Sets the weights of the rows, and what a verdict can be based on. A listed
 * member that is absent gets a row. -1 without memory.
 */
int expected_shares_apply(struct expected_shares *, struct registry_counts *,
    struct tally *, enum knowledge *, bool *changed);

#endif
