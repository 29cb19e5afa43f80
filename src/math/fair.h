#ifndef MATH_FAIR_H
#define MATH_FAIR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Were n connections spread over k members as a hash would spread them?
 * Judged in the order uneven, unclear, too-even, too-few, even; a weight of 0
 * makes no weights unequal. FAIR_CHANGED is for callers to set.
 */
enum fair_verdict {
	FAIR_EVEN,	/* p >= 0.01 */
	FAIR_UNCLEAR,	/* p or silent_p below 0.01: more would tell */
	FAIR_UNEVEN,	/* p or silent_p below 1e-4 */
	FAIR_TOO_EVEN,	/* p > 0.9999, the discreteness of counts allowed for */
	FAIR_TOO_FEW,	/* one member, or a dead one could pass unnoticed */
	FAIR_AS_WEIGHTED,	/* even, by weights that are not all equal */
	FAIR_CHANGED,	/* members came or went meanwhile */
};

struct fair {
	uint64_t n;
	double chi2;		/* INFINITY: a member of weight 0 got some */
	int dof;		/* members of a weight above 0, less one */
	double p;		/* how often a fair chi2 is this large */
	bool monte_carlo;	/* not by the distribution: below 25 expected */
	int silent;		/* members that got none and should have */
	double silent_p;	/* fair hashing leaves any silent so often, at
				   most; 1 where none is */
	double expected_spread_99;	/* fair_spread_99(), the widest */
	double largest_deviation;	/* count / expected - 1, signed */
	int largest;		/* its index; -1: none deviates */
	uint64_t n_enough;	/* below it FAIR_TOO_FEW; 0: however many */
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
 * The counts of k members, of which one expects n * share, all lie this near
 * to their expectations in 99 % of the fair cases (normal, Bonferroni).
 */
double fair_spread_99(uint64_t n, double share, int k);

/*
 * The n at which one of k members that gets (1 + skew) times its share, the
 * others evenly the rest, is called uneven in 90 % of the cases.
 */
uint64_t fair_needed(int k, double share, double skew);

#endif
