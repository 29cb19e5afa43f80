#ifndef REPORT_RATE_HISTORY_H
#define REPORT_RATE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How fast each member accepted, over time. Zero it to begin. */

enum { RATE_SAMPLES = 240 };

struct rate_sample {
	float rate;			/* connections a second */
	bool stopped;			/* the process was */
};

struct rate_track {
	uint64_t key;
	uint64_t total;			/* connections at the last sample */
	bool counted;			/* since the last forget */
	size_t count;
	struct rate_sample samples[RATE_SAMPLES];	/* oldest first */
};

struct rate_history {
	struct rate_track **tracks;
	size_t count;
	double period;			/* seconds between two samples */
};

/*
 * Adds a sample: what the total of the member with this key has grown by, in so
 * many seconds. A member's first total makes no sample. Without memory nothing
 * is added.
 */
void rate_history_add(struct rate_history *, uint64_t key, uint64_t total,
    double seconds, bool stopped);
/* Forgets the members of which no total was added since the last call. */
void rate_history_forget(struct rate_history *);
/* NULL: this member has no samples. */
const struct rate_track *rate_history_find(const struct rate_history *,
    uint64_t key);
void rate_history_free(struct rate_history *);

#endif
