#ifndef OPS_COMPARE_VERDICT_H
#define OPS_COMPARE_VERDICT_H

/*
 * Whether SO_REUSEPORT is worth it, by figures of rounds in which it and two
 * ways to share one queue had the same load. The manual states these rules.
 */

enum { ADVICE_ROUNDS = 16, ADVICE_ROUNDS_LEAST = 3 };

enum advice_measure {
	ADVICE_RATE, ADVICE_CPU, ADVICE_P99, ADVICE_STALL_P99,
	ADVICE_MEASURES,
};
enum advice_against { ADVICE_SHARED, ADVICE_EXCLUSIVE, ADVICE_OTHERS };
enum advice_finding {
	ADVICE_SAME, ADVICE_BETTER, ADVICE_WORSE,
	ADVICE_UNCLEAR,			/* within the noise of the rounds */
};
enum advice_verdict {
	ADVICE_WORTH, ADVICE_DEPENDS, ADVICE_NOT_WORTH, ADVICE_NO_DIFFERENCE,
	ADVICE_INCONCLUSIVE,
};

/* One model: a figure of each round. */
struct advice_figures {
	double at[ADVICE_MEASURES][ADVICE_ROUNDS];
};

/* How much better reuseport is, round by round. */
struct advice_ratio {
	double median, low, high;
	enum advice_finding finding;
};

struct advice {
	struct advice_ratio ratio[ADVICE_MEASURES][ADVICE_OTHERS];
	enum advice_finding found[ADVICE_MEASURES];	/* against both */
	enum advice_verdict verdict;
};

/* failed: some attempts did, so that the figures are not of the same load. */
void advice_judge(struct advice *, const struct advice_figures *reuseport,
    const struct advice_figures *const others[static ADVICE_OTHERS],
    int rounds, int failed);

const char *advice_measure_name(enum advice_measure);
const char *advice_finding_name(enum advice_finding);
const char *advice_verdict_name(enum advice_verdict);

/* The middle one, or the mean of the middle two; those that are NAN are left
 * out. */
double advice_median(const double *values, int n);

#endif
