#ifndef MATH_HIST_H
#define MATH_HIST_H

#include <stdint.h>

enum {
	HIST_BITS = 7,		/* 2^7 buckets for each power of two */
	HIST_RANGE = 42,	/* values stay below 2^42 ns: 73 minutes */
	HIST_BEYOND = 10,	/* samples that a percentile leaves above it */
	HIST_BUCKETS = (HIST_RANGE - HIST_BITS + 1) << HIST_BITS,
};
/* Some readers of JSON can't represent a larger integer. */
#define HIST_COUNT_MAX (UINT64_C(1) << 53)
/* JSON's integers are signed where they are written and read. */
#define HIST_SUM_MAX ((uint64_t)INT64_MAX)
#define HIST_MAX ((UINT64_C(1) << HIST_RANGE) - 1)

/*
 * Latencies in nanoseconds: exact below 256, then in buckets no wider than
 * 1/128 (0.8 %) of their values. It has no pointers, so that it can be in
 * shared memory: one process adds, others merge. Zeroed memory is an empty
 * histogram.
 */
struct hist {
	uint64_t count, min, max, sum;	/* exact; 0 while empty */
	uint64_t buckets[HIST_BUCKETS];
};

void hist_init(struct hist *h);

/* Counts value; a value above HIST_MAX counts as HIST_MAX. */
void hist_add(struct hist *h, uint64_t value);

/*
 * Adds all of from, to which another process may be adding. Returns -1, and
 * adds nothing, if the counts would pass HIST_COUNT_MAX, or the sum
 * HIST_SUM_MAX.
 */
int hist_merge(struct hist *into, const struct hist *from);

/*
 * The value that p % of the samples do not exceed: the highest value in the
 * bucket of the sample of rank ceil(p / 100 * count), at most max. So it is
 * never below the true value, nor more than 1/128 above. p counts to six
 * decimals; 0 is min, 100 is max. If h is empty, this and the mean are 0.
 */
uint64_t hist_percentile(const struct hist *h, double p);
/*
 * The same, but NAN if there are too few samples. p50 needs one; higher
 * percentiles need 10 samples above them: p90 needs 100, p99 1000, p99.9
 * 10,000. With fewer they would be the maximum, or nearly.
 */
double hist_quantile(const struct hist *h, double p);
/* The fewest samples for which hist_quantile() has a value. */
uint64_t hist_needed(double p);
/* How many samples are at most value, counting whole buckets. */
uint64_t hist_count_to(const struct hist *h, uint64_t value);
double hist_mean(const struct hist *h);

/*
 * Reads the text that rpnc 0.1 wrote before it had hist_hdr_encode():
 * "1/7;MIN;MAX;SUM;BUCKETS". 1 is the version, 7 is HIST_BITS, and BUCKETS are
 * "INDEX:COUNT" or "FIRST-LAST:COUNT" (each bucket has COUNT), ascending, with
 * commas between. Returns -1, and h is empty, if this is no such text.
 */
int hist_decode(const char *text, struct hist *h);

/*
 * Sets count, min, max and sum to what follows from the buckets: the bounds of
 * the first and of the last one, and the middles of all, at most 64 bits.
 */
void hist_estimate(struct hist *h);

/* Sets the exact values. -1, and nothing is set: the buckets contradict. */
int hist_refine(struct hist *h, uint64_t min, uint64_t max, uint64_t sum);

#endif
