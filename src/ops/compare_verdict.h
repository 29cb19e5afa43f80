#ifndef OPS_COMPARE_VERDICT_H
#define OPS_COMPARE_VERDICT_H

/*
 * Whether SO_REUSEPORT is worth it. In each round, it and two ways to share one
 * queue had the same load. rpnc-probe(1) states the rules.
 */

enum { VERDICT_ROUNDS = 16, VERDICT_ROUNDS_LEAST = 3 };

enum compare_measure {
	VERDICT_RATE, VERDICT_CPU, VERDICT_P99, VERDICT_STALL_P99,
	VERDICT_MEASURES,
};
enum compare_against { VERDICT_SHARED, VERDICT_EXCLUSIVE, VERDICT_OTHERS };
enum compare_finding {
	VERDICT_SAME, VERDICT_BETTER, VERDICT_WORSE,
	VERDICT_UNCLEAR,		/* hidden by the noise of the rounds */
};
enum compare_worth {
	VERDICT_WORTH, VERDICT_DEPENDS, VERDICT_NOT_WORTH,
	VERDICT_NO_DIFFERENCE, VERDICT_INCONCLUSIVE,
};

/* The figures of one model in each round. */
struct compare_measured {
	double at[VERDICT_MEASURES][VERDICT_ROUNDS];
};

/* How much better reuseport is than another model, over all rounds. */
struct compare_ratio_of {
	double median, low, high;
	enum compare_finding finding;
};

struct compare_verdict {
	struct compare_ratio_of ratio[VERDICT_MEASURES][VERDICT_OTHERS];
	enum compare_finding found[VERDICT_MEASURES];	/* against both */
	enum compare_worth verdict;
};

/* failed: attempts failed, so the models did not have the same load. */
void compare_judge(struct compare_verdict *,
    const struct compare_measured *reuseport,
    const struct compare_measured *const others[static VERDICT_OTHERS],
    int rounds, int failed);

const char *compare_measure_name(enum compare_measure);
const char *compare_finding_name(enum compare_finding);
const char *compare_worth_name(enum compare_worth);

/* The median of the values that are not NAN. */
double compare_median(const double *values, int n);

#endif
