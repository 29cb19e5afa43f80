#ifndef PROBE_STATS_GAP_H
#define PROBE_STATS_GAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * The longest time without a good answer. Answers may be added in any order, as
 * long as each is among the GAP_KEPT / 2 latest ones. All times are nanoseconds
 * of one clock.
 */

enum { GAP_KEPT = 16384 };

struct gap {
	int64_t *kept;			/* answers that are not judged yet */
	size_t count;
	int64_t last;			/* the last judged one */
	int64_t longest, from;		/* that began then; 0: none */
};

/* Begins: the first answer is awaited from now on. -1 without memory. */
int gap_begin(struct gap *, int64_t now);
void gap_add(struct gap *, int64_t when);
/* Nobody could see answers until now: it begins again. */
void gap_restart(struct gap *, int64_t now);
/* Ends: after the last answer another one was awaited until then. */
void gap_end(struct gap *, int64_t until);
void gap_free(struct gap *);

#endif
