#ifndef PROBE_STATS_BLAME_H
#define PROBE_STATS_BLAME_H

#include <stdbool.h>
#include <stdint.h>

/* Which member left attempts without an answer, if the hash says whose it was. */

struct blame {
	uint64_t due;			/* attempts that were for this member */
	uint64_t unanswered;		/* those of them that timed out */
};

/* How well the kernel's hash predicts the member of an attempt. */
enum predicted {
	PREDICTED_NOT,			/* a program chooses, not the hash */
	PREDICTED_UNSURE,		/* the outcomes must bear it out */
	PREDICTED_SURE,
};

/*
 * Whether the i-th of n members answered nothing of what was for it. With
 * PREDICTED_UNSURE it must also be certain that this is not chance: if the
 * timeouts had nothing to do with the members, a member without an answer would
 * be seen in fewer than one of a million cases.
 */
bool blame_is_silent(const struct blame *, int n, int i, enum predicted);

#endif
