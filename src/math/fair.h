#ifndef MATH_FAIR_H
#define MATH_FAIR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether n connections are spread over k members as a hash would spread them.
 * Tested in the order uneven, unclear, too-even, too-few, even. A weight of 0
 * does not make the weights unequal. Only callers set FAIR_CHANGED.
 */
enum fair_verdict {
	FAIR_EVEN,	/* p >= 0.01 */
	FAIR_UNCLEAR,	/* p or silent_p below 0.01: more would tell */
	FAIR_UNEVEN,	/* p or silent_p below 1e-4 */
	FAIR_TOO_EVEN,	/* p > 0.9999, corrected for whole counts */
	FAIR_TOO_FEW,	/* one member, or a silent one could go unnoticed */
	FAIR_AS_WEIGHTED,	/* even, by weights that are not all equal */
	FAIR_CHANGED,	/* members came or went meanwhile */
};

struct fair {
	uint64_t n;
	double chi2;		/* INFINITY: a member of weight 0 got some */
	int dof;		/* members of a weight above 0, less one */
	double p;		/* how often a fair chi2 is this large */
	bool monte_carlo;	/* drawn: an expected count is below 25 */
	int silent;		/* members that got none and should have */
	double silent_p;	/* how often fair hashing does that, at
				   most; 1: none is silent */
	double expected_spread_99;	/* fair_spread_99(), the widest */
	double largest_deviation;	/* count / expected - 1, signed */
	int largest;		/* its index; -1: none deviates */
	uint64_t n_enough;	/* below it FAIR_TOO_FEW; 0: no n is enough */
	uint64_t n_for_10pct;	/* fair_needed() for 0.1, the smallest share */
	enum fair_verdict verdict;
};

/*
 * Tests counts of k members against weights (any scale; NULL: equal ones).
 * Deterministic. Returns -1 for weights that are negative, not finite or all
 * 0, for k < 0, and without memory.
 */
int fair_test(const uint64_t *counts, const double *weights, int k,
    struct fair *out);
const char *fair_verdict_name(enum fair_verdict verdict);

/* The probability that chi-square of dof degrees of freedom reaches chi2. */
double fair_chi2_p(double chi2, int dof);

/*
 * In 99 % of fair cases the counts of all k members are within this of what
 * they expect, if a member expects n * share (normal, Bonferroni).
 */
double fair_spread_99(uint64_t n, double share, int k);

/*
 * If one of k members gets (1 + skew) times its share, and the others share the
 * rest evenly: the n at which 90 % of cases are called uneven.
 */
uint64_t fair_needed(int k, double share, double skew);

#endif
