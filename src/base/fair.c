#include "base/fair.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * How it works: Pearson's chi-square says how far the counts are from what
 * was expected; how often fair hashing is as far is looked up in the
 * chi-square distribution or, where an expected count is below 5 and that
 * distribution is no good, found by drawing fair groups of the same n.
 *
 * Two things chi-square alone gets wrong are put right. With many members one
 * that gets nothing drowns in the noise of the others, so silence is tested by
 * itself: fair hashing leaves a member of share w silent with (1 - w)^n. And
 * counts are whole numbers: an exact 500 to 500 has p = 1 and yet comes up
 * every 40th time, so "too even" looks at the lower tail with the ball around
 * the expectation widened by the reach of one lattice point.
 */

#define P_UNCLEAR 0.01
#define P_UNEVEN 1e-4
#define POWER 0.9

enum {
	EXPECTED_MIN = 5,	/* Cochran's rule for the distribution */
	DRAWS = 100000,		/* so that 8 hits are still below P_UNEVEN */
	DRAWS_WORK = 200000000,	/* connections drawn at most: 1 s */
	DRAWN_MAX = 10000,	/* n beyond which even 20,000 draws are slow */
	HITS_ENOUGH = 2000,	/* in both tails: p is known to 2 % */
	STEPS = 60,
};

struct shares {
	const double *weights;
	double total, smallest;
	int k, live;	/* live: of a weight above 0 */
};

/* Chances that a fair chi2 is at least, or at most, the one observed. */
struct tails {
	double upper, lower;
};

/* One column of the alias table, and a member's row in a drawn group. */
struct cell {
	double mass, inverse;	/* inverse: 1 / expected count */
	uint64_t cut;		/* of 2^32: below it the column's own */
	int alias, seen;
};

static double
share_of(const struct shares *s, int i)
{
	return (s->weights ? s->weights[i] : 1) / s->total;
}

static int
shares_init(struct shares *s, const double *weights, int k)
{
	double w;

	*s = (struct shares){.weights = weights, .k = k, .smallest = INFINITY};
	for (int i = 0; i < k; i++) {
		w = weights ? weights[i] : 1;
		if (!(w >= 0))
			return -1;
		if (w > 0 && w < s->smallest)
			s->smallest = w;
		s->live += w > 0;
		s->total += w;
	}
	if (k < 0 || (k > 0 && !s->live) || !isfinite(s->total))
		return -1;
	s->smallest /= s->total;
	return 0;
}

/* x^a e^-x / Gamma(a) */
static double
gamma_density(double a, double x)
{
	int sign;

	return exp(a * log(x) - x - lgamma_r(a, &sign));
}

/* P(a, x) by its power series (Abramowitz and Stegun 6.5.29): x < a + 1. */
static double
gamma_series(double a, double x)
{
	double term = 1 / a, sum = term;

	for (double n = a + 1; term > sum * DBL_EPSILON / 4; n++) {
		term *= x / n;
		sum += term;
	}
	return sum * gamma_density(a, x);
}

/*
 * Q(a, x) by its continued fraction (6.5.31, contracted), x >= a + 1. The
 * convergents' ratio is followed by Steed's method: d is the ratio of two
 * denominators, step what the newest convergent adds.
 */
static double
gamma_fraction(double a, double x)
{
	double b = x + 1 - a, d = 1 / b, step = d, sum = d, num;

	for (int i = 1; fabs(step) > fabs(sum) * DBL_EPSILON / 4; i++) {
		num = -i * (i - a);
		b += 2;
		d = 1 / (b + num * d);
		step *= b * d - 1;
		sum += step;
	}
	return sum * gamma_density(a, x);
}

/* The upper regularized incomplete gamma function. */
static double
gamma_q(double a, double x)
{
	if (x <= 0)
		return 1;
	if (isinf(x))
		return 0;
	return x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x);
}

/*
 * The x > 0 where a falling function reaches goal: brackets it, then false
 * position on the logarithm, the Illinois way (an end that stays twice counts
 * half the next time), which needs about eight calls.
 */
static double
falls_to(double goal, double (*f)(double x, const double *par),
    const double *par)
{
	double low = 1, high, at = 1, above, below, off = 1;
	int stayed = 0;

	while ((above = log(f(low, par) / goal)) <= 0)
		low /= 2;
	high = 2 * low;
	while ((below = log(f(high, par) / goal)) > 0) {
		low = high;
		high *= 2;
		above = below;
	}
	for (int i = 0; i < STEPS && !(fabs(off) < 1e-12); i++) {
		at = low + (high - low) * above / (above - below);
		if (!(at > low && at < high))	/* f(high) may be 0 */
			at = (low + high) / 2;
		off = log(f(at, par) / goal);
		if (off > 0) {
			low = at;
			above = off;
			below /= stayed > 0 ? 2 : 1;
			stayed = 1;
		} else {
			high = at;
			below = off;
			above /= stayed < 0 ? 2 : 1;
			stayed = -1;
		}
	}
	return at;
}

static double
normal_tail(double z, const double *par)
{
	(void)par;
	return erfc(z * M_SQRT1_2) / 2;
}

static double
chi2_tail(double chi2, const double *dof)
{
	return gamma_q(dof[0] / 2, chi2 / 2);
}

/*
 * How often chi-square of par[0] degrees of freedom stays below par[1] when
 * the expectations are off by the non-centrality lambda: a Poisson mixture of
 * central ones, whose Q grows by one density a step.
 */
static double
chi2_miss(double lambda, const double *par)
{
	double a = par[0] / 2, x = par[1] / 2, half = lambda / 2;
	double q = gamma_q(a, x), grow = gamma_density(a, x) / a;
	double weight = 1, caught = 0;
	int sign;

	for (int j = 0; j <= half || weight > 1e-15; j++) {
		weight = exp(j * log(half) - half - lgamma_r(j + 1, &sign));
		caught += weight * q;
		q += grow;
		grow *= x / (a + j + 1);
	}
	return 1 - caught;
}

/* xoshiro256**, Blackman and Vigna, https://prng.di.unimi.it/ */
static uint64_t
random_next(uint64_t s[4])
{
	uint64_t x = s[1] * 5, shifted = s[1] << 17;

	x = (x << 7 | x >> 57) * 9;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = s[3] << 45 | s[3] >> 19;
	return x;
}

/*
 * Walker's alias table: every column holds 1/k of the mass, its own member's
 * first and above the cut one other's. While it is made, alias links the
 * columns that lack mass and those that have too much.
 */
static void
alias_build(struct cell *cells, const struct shares *s)
{
	int list[2] = {-1, -1}, poor, rich;
	bool has;

	for (int i = 0; i < s->k; i++) {
		cells[i].mass = share_of(s, i) * s->k;
		cells[i].cut = UINT64_C(1) << 32;
		has = cells[i].mass >= 1;
		cells[i].alias = list[has];
		list[has] = i;
	}
	while (list[0] >= 0 && list[1] >= 0) {
		poor = list[0];
		rich = list[1];
		list[0] = cells[poor].alias;
		cells[poor].cut = (uint64_t)(cells[poor].mass * 0x1p32);
		cells[poor].alias = rich;
		cells[rich].mass -= 1 - cells[poor].mass;
		if (cells[rich].mass < 1) {
			list[1] = cells[rich].alias;
			cells[rich].alias = list[0];
			list[0] = rich;
		}
	}
}

/* Draws one fair group; returns the sum of count^2 / expected, chi2 + n. */
static double
draw(struct cell *cells, int k, uint64_t n, uint64_t state[4])
{
	uint64_t r, column;
	double sum = 0;

	for (int i = 0; i < k; i++)
		cells[i].seen = 0;
	while (n--) {
		r = random_next(state);
		column = (r >> 32) * (uint64_t)k >> 32;
		if ((uint32_t)r >= cells[column].cut)
			column = (uint64_t)cells[column].alias;
		cells[column].seen++;
	}
	for (int i = 0; i < k; i++)
		sum += cells[i].inverse * cells[i].seen * cells[i].seen;
	return sum;
}

/*
 * Both tails by drawing. Sums that differ by rounding alone are equal; the
 * observed group counts as one of those drawn, so no chance is ever 0. Stops
 * early where both tails are known well (Besag and Clifford).
 */
static void
draw_tails(struct cell *cells, int k, const struct fair *f, struct tails *t)
{
	uint64_t state[4] = {0x243f6a8885a308d3, 0x13198a2e03707344,
	    0xa4093822299f31d0, 0x082efa98ec4e6c89};	/* of pi */
	double seen, goal = f->chi2 + (double)f->n, slack = goal * 1e-9;
	int done = 0, high = 1, low = 1;
	int draws = (int)(DRAWS_WORK / f->n);

	if (draws > DRAWS)
		draws = DRAWS;
	while (done < draws && (high < HITS_ENOUGH || low < HITS_ENOUGH)) {
		seen = draw(cells, k, f->n, state);
		high += seen >= goal - slack;
		low += seen <= goal + slack;
		done++;
	}
	t->upper = (double)high / (done + 1);
	t->lower = (double)low / (done + 1);
}

static int
tails_drawn(const struct shares *s, const struct fair *f, struct tails *t)
{
	struct cell *cells;
	double expected;

	cells = calloc((size_t)s->k, sizeof *cells);
	if (!cells)
		return -1;
	for (int i = 0; i < s->k; i++) {
		expected = share_of(s, i) * (double)f->n;
		cells[i].inverse = expected > DBL_MIN ? 1 / expected : 0;
	}
	alias_build(cells, s);
	draw_tails(cells, s->k, f, t);
	free(cells);
	return 0;
}

/*
 * Both tails from the distribution. The counts of k members are points of the
 * lattice A(k-1), whose covering radius widens the lower tail; for k = 2 that
 * is exact, beyond it errs towards "even".
 */
static void
tails_known(const struct shares *s, const struct fair *f, struct tails *t)
{
	double reach, chi;

	reach = (double)(s->live / 2) * ((s->live + 1) / 2) / s->live;
	chi = sqrt(f->chi2) + sqrt(reach / (s->smallest * (double)f->n));
	t->upper = fair_chi2_p(f->chi2, f->dof);
	t->lower = 1 - fair_chi2_p(chi * chi, f->dof);
}

static int
tails_find(const struct shares *s, struct fair *f, struct tails *t)
{
	*t = (struct tails){1, 1};
	if (isinf(f->chi2))
		t->upper = 0;
	if (isinf(f->chi2) || f->dof < 1 || f->n == 0)
		return 0;
	f->monte_carlo = f->n <= DRAWN_MAX &&
	    s->smallest * (double)f->n < EXPECTED_MIN;
	if (f->monte_carlo)
		return tails_drawn(s, f, t);
	tails_known(s, f, t);
	return 0;
}

static void
compare_one(struct fair *f, int i, double count, double share)
{
	double expected = share * (double)f->n, off = count - expected;
	double relative = off == 0 ? 0 : off / expected;

	if (off != 0)
		f->chi2 += off * relative;
	f->silent += expected > 0 && count == 0;
	if (fabs(relative) > fabs(f->largest_deviation)) {
		f->largest_deviation = relative;
		f->largest = i;
	}
}

static void
compare(const struct shares *s, const uint64_t *counts, struct fair *f)
{
	double share, widest = 0;

	for (int i = 0; i < s->k; i++)
		f->n += counts[i];
	for (int i = 0; i < s->k; i++) {
		share = share_of(s, i);
		compare_one(f, i, (double)counts[i], share);
		if (share * (1 - share) > widest * (1 - widest))
			widest = share;
	}
	f->expected_spread_99 = fair_spread_99(f->n, widest, s->live);
}

/* At most so often fair hashing leaves at least one member silent. */
static double
silence(const struct shares *s, uint64_t n)
{
	double sum = 0;

	for (int i = 0; i < s->k; i++)
		if (share_of(s, i) > 0)
			sum += pow(1 - share_of(s, i), (double)n);
	return sum < 1 ? sum : 1;
}

/* The first n at which that would be noticed. */
static uint64_t
enough(const struct shares *s)
{
	uint64_t low = 0, high = 1, middle;

	while (high < UINT64_C(1) << 62 && silence(s, high) >= P_UNCLEAR) {
		low = high;
		high *= 2;
	}
	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (silence(s, middle) >= P_UNCLEAR)
			low = middle;
		else
			high = middle;
	}
	return high;
}

static enum fair_verdict
judge(const struct fair *f, double lower, double silence_p)
{
	double p = fmin(f->p, f->silent_p);

	if (p < P_UNEVEN)
		return FAIR_UNEVEN;
	if (p < P_UNCLEAR)
		return FAIR_UNCLEAR;
	if (lower < P_UNEVEN)
		return FAIR_TOO_EVEN;
	if (f->dof < 1 || silence_p >= P_UNCLEAR)
		return FAIR_TOO_FEW;
	return FAIR_EVEN;
}

int
fair_test(const uint64_t *counts, const double *weights, int k,
    struct fair *out)
{
	struct shares s;
	struct tails t;
	double silence_p;

	*out = (struct fair){.largest = -1, .p = 1, .silent_p = 1,
	    .verdict = FAIR_TOO_FEW};
	if (shares_init(&s, weights, k) < 0)
		return -1;
	out->dof = s.live > 1 ? s.live - 1 : 0;
	compare(&s, counts, out);
	if (tails_find(&s, out, &t) < 0)
		return -1;
	silence_p = silence(&s, out->n);
	out->p = t.upper;
	if (out->silent)
		out->silent_p = silence_p;
	out->n_enough = out->dof ? enough(&s) : 0;
	out->n_for_10pct = fair_needed(s.live, s.smallest, 0.1);
	out->verdict = judge(out, t.lower, silence_p);
	return 0;
}

const char *
fair_verdict_name(enum fair_verdict verdict)
{
	static const char *const names[] = {
		[FAIR_EVEN] = "even", [FAIR_UNCLEAR] = "unclear",
		[FAIR_UNEVEN] = "uneven", [FAIR_TOO_EVEN] = "too-even",
		[FAIR_TOO_FEW] = "too-few", [FAIR_CHANGED] = "changed",
	};

	return names[verdict];
}

double
fair_chi2_p(double chi2, int dof)
{
	return dof < 1 ? 1 : gamma_q(dof / 2.0, chi2 / 2);
}

double
fair_spread_99(uint64_t n, double share, int k)
{
	if (k < 2)
		return 0;
	return falls_to(0.01 / 2 / k, normal_tail, NULL) *
	    sqrt((double)n * share * (1 - share));
}

uint64_t
fair_needed(int k, double share, double skew)
{
	double par[2] = {k - 1, 0}, lambda, n;

	if (k < 2 || !(share > 0 && share < 1) || skew == 0)
		return 0;
	par[1] = falls_to(P_UNEVEN, chi2_tail, par);
	lambda = falls_to(1 - POWER, chi2_miss, par);
	n = ceil(lambda * (1 - share) / (share * skew * skew));
	return n < 0x1p63 ? (uint64_t)n : UINT64_MAX;
}
