#ifndef PROBE_LOAD_EXPECTED_SHARES_H
#define PROBE_LOAD_EXPECTED_SHARES_H

#include "group/steer/reconcile.h"
#include "probe/stats/verdict.h"
#include "probe/who/registry_counts.h"

/* What each member is to get: what the user says, or what steers the group. */

enum { EXPECT_NOTE = 200 };

struct expected_shares {
	struct steering given;		/* --expect-weights; count 0: none */
	bool local;			/* the roll is of who is probed */
	bool weighed;			/* rows have the sockets' weights */
	char note[EXPECT_NOTE];		/* to be said of it, or "" */
	char unjudged[EXPECT_NOTE];	/* why nothing is expected, or "" */
	char steering[MODE_TEXT];	/* what steers, or "" */
};

/* Reads "A=70,4242=30"; -1: a usage fault. */
int expected_shares_read(const char *text, struct steering *out);

/*
 * Weighs the rows, and says what is then known of them. Who is expected and
 * isn't there gets a row. -1 without memory.
 */
int expected_shares_apply(struct expected_shares *, struct registry_counts *,
    struct tally *, enum knowledge *, bool *changed);

#endif
