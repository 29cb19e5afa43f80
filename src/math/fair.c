/*
 * Judges whether the counts of members are those of fair hashing.
 *
 * How it works. Pearson's chi-square says how far the counts are from the
 * expected ones. How often fair hashing gives a chi-square as large comes from
 * the chi-square distribution. If an expected count is below 25, fair groups of
 * the same n are drawn instead: with an expected count of 5 the distribution
 * would call 8 fair groups in 10,000 uneven, not 1. If a single count has a
 * chance below 1e-6, nothing is drawn, because draws can't resolve that.
 *
 * Chi-square alone gets two things wrong. With many members, one that gets
 * nothing is lost in the noise of the others, so silence has a test of its own:
 * fair hashing leaves a member of share w silent with (1 - w)^n. And counts are
 * whole numbers: an exact 500 to 500 has p = 1 and yet happens every 40th time.
 * So "too even" uses the lower tail, with the ball around the expectation
 * widened by the reach of one lattice point.
 */
#include "math/fair.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "math/gamma.h"
#include "math/multinomial.h"

#define P_UNCLEAR 0.01
#define P_UNEVEN 1e-4
#define P_OUTLIER 1e-6
#define POWER 0.9
#define SHARES_ALIKE 1e-9

enum {
	EXPECTED_MIN = 25,	/* below it the distribution's tail is wrong */
	EXPECTED_LEAST = 5,	/* below it all of the distribution is wrong */
	DRAWS = 100000,		/* enough: 8 hits are still below P_UNEVEN */
	DRAWS_LEAST = 20000,	/* enough: no hit is below P_UNEVEN */
	DRAWS_WORK = 12000000,	/* multinomial_cost() of some 40 ms */
	DRAWN_MAX = 10000,	/* n beyond which DRAWS_LEAST is too slow */
	HITS_ENOUGH = 400,	/* in both tails: p is known to 5 % */
	STEPS = 60,
};

struct shares {
	const double *weights;
	double total, smallest, largest;
	int k, positive;	/* positive: those with a weight above 0 */
};

/* Chances that a fair chi2 is at least, or at most, the one observed. */
struct tails {
	double upper, lower;
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
		if (w > s->largest)
			s->largest = w;
		s->positive += w > 0;
		s->total += w;
	}
	if (k < 0 || (k > 0 && !s->positive) || !isfinite(s->total))
		return -1;
	s->smallest /= s->total;
	s->largest /= s->total;
	return 0;
}

/*
 * The x > 0 where a falling function reaches goal. It brackets x, then uses
 * false position on the logarithm in the Illinois way (an end that stays twice
 * counts half the next time), which needs about eight calls.
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

static int
draws_for(int k, uint64_t n)
{
	double draws = DRAWS_WORK / multinomial_cost(k, n);

	return draws > DRAWS ? DRAWS : draws < DRAWS_LEAST ? DRAWS_LEAST :
	    (int)draws;
}

/* The chance of a count as extreme as this one, on its side of the mean. */
static double
binomial_tail(uint64_t n, uint64_t count, double share)
{
	double c = (double)count, rest = (double)n - c,
	    odds = share / (1 - share);
	double way = c > share * (double)n ? 1 : -1, term, sum = 0;
	int sign;

	term = exp(lgamma_r((double)n + 1, &sign) - lgamma_r(c + 1, &sign) -
	    lgamma_r(rest + 1, &sign) + c * log(share) +
	    rest * log1p(-share));
	while (term > sum * DBL_EPSILON && c >= 0 && rest >= 0) {
		sum += term;
		term *= way > 0 ? odds * rest / (c + 1) :
		    c / (odds * (rest + 1));
		c += way;
		rest -= way;
	}
	return sum;
}

/*
 * An upper bound of the chance that fair hashing gives any member a count as
 * rare as the rarest one here (Bonferroni, both sides).
 */
static double
fair_outlier(const struct shares *s, const uint64_t *counts, uint64_t n)
{
	double least = 1;

	for (int i = 0; i < s->k; i++)
		if (share_of(s, i) > 0 && share_of(s, i) < 1)
			least = fmin(least, binomial_tail(n, counts[i],
			    share_of(s, i)));
	return 2 * s->positive * least;
}

/* The chi2 of a drawn group, plus n: the sum of count^2 / expected. */
static double
sum_drawn(const int *counts, const double *inverse, int k)
{
	double sum = 0;

	for (int i = 0; i < k; i++)
		sum += inverse[i] * counts[i] * counts[i];
	return sum;
}

/*
 * Both tails by drawing. Sums that differ by rounding alone are equal. The
 * observed group counts as a drawn one, so that no chance is ever 0. Drawing
 * stops early when both tails are known well (Besag and Clifford).
 */
static void
draw_tails(struct multinomial *m, const double *inverse, int k,
    const struct fair *f, struct tails *t)
{
	double seen, goal = f->chi2 + (double)f->n, slack = goal * 1e-9;
	int done = 0, high = 1, low = 1, draws = draws_for(k, f->n);

	while (done < draws && (high < HITS_ENOUGH || low < HITS_ENOUGH)) {
		seen = sum_drawn(multinomial_draw(m), inverse, k);
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
	struct multinomial *m = multinomial_new(s->weights, s->k, f->n);
	double *inverse = calloc((size_t)s->k, sizeof(*inverse)), expected;
	int result = m && inverse ? 0 : -1;

	for (int i = 0; result == 0 && i < s->k; i++) {
		expected = share_of(s, i) * (double)f->n;
		inverse[i] = expected > DBL_MIN ? 1 / expected : 0;
	}
	if (result == 0)
		draw_tails(m, inverse, s->k, f, t);
	multinomial_free(m);
	free(inverse);
	return result;
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

	reach = (double)(s->positive / 2) *
	    ((s->positive + 1) / 2) / s->positive;
	chi = sqrt(f->chi2) + sqrt(reach / (s->smallest * (double)f->n));
	t->upper = fair_chi2_p(f->chi2, f->dof);
	t->lower = 1 - fair_chi2_p(chi * chi, f->dof);
}

/* Whether to draw; below EXPECTED_LEAST even if that takes long. */
static bool
is_drawn(const struct shares *s, uint64_t n)
{
	double least = s->smallest * (double)n;

	if (least < EXPECTED_LEAST)
		return n <= DRAWN_MAX || draws_for(s->k, n) > DRAWS_LEAST;
	return least < EXPECTED_MIN && draws_for(s->k, n) > DRAWS_LEAST;
}

static int
tails_find(const struct shares *s, const uint64_t *counts, struct fair *f,
    struct tails *t)
{
	*t = (struct tails){1, 1};
	if (isinf(f->chi2))
		t->upper = 0;
	if (isinf(f->chi2) || f->dof < 1 || f->n == 0)
		return 0;
	f->monte_carlo = is_drawn(s, f->n);
	if (!f->monte_carlo) {
		tails_known(s, f, t);
		return 0;
	}
	t->upper = fair_outlier(s, counts, f->n);
	return t->upper < P_OUTLIER ? 0 : tails_drawn(s, f, t);
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
fair_compare(const struct shares *s, const uint64_t *counts, struct fair *f)
{
	for (int i = 0; i < s->k; i++)
		f->n += counts[i];
	for (int i = 0; i < s->k; i++)
		compare_one(f, i, (double)counts[i], share_of(s, i));
	/* the others share the rest, so no variance is above the largest's */
	f->expected_spread_99 = fair_spread_99(f->n, s->largest, s->positive);
}

/* An upper bound: how often fair hashing leaves any member silent. */
static double
fair_silence(const struct shares *s, uint64_t n)
{
	double sum = 0;

	for (int i = 0; i < s->k; i++)
		if (share_of(s, i) > 0)
			sum += pow(1 - share_of(s, i), (double)n);
	return sum < 1 ? sum : 1;
}

/* The first n at which a silent member would be noticed. */
static uint64_t
enough(const struct shares *s)
{
	uint64_t low = 0, high = 1, middle;

	while (high < UINT64_C(1) << 62 && fair_silence(s, high) >= P_UNCLEAR) {
		low = high;
		high *= 2;
	}
	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (fair_silence(s, middle) >= P_UNCLEAR)
			low = middle;
		else
			high = middle;
	}
	return high;
}

static enum fair_verdict
fair_judge(const struct fair *f, const struct shares *s, double lower,
    double silence_p)
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
	return s->largest - s->smallest > SHARES_ALIKE ? FAIR_AS_WEIGHTED :
	    FAIR_EVEN;
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
	out->dof = s.positive > 1 ? s.positive - 1 : 0;
	fair_compare(&s, counts, out);
	if (tails_find(&s, counts, out, &t) < 0)
		return -1;
	silence_p = fair_silence(&s, out->n);
	out->p = t.upper;
	if (out->silent)
		out->silent_p = silence_p;
	out->n_enough = out->dof ? enough(&s) : 0;
	out->n_for_10pct = fair_needed(s.positive, s.smallest, 0.1);
	out->verdict = fair_judge(out, &s, t.lower, silence_p);
	return 0;
}

const char *
fair_verdict_name(enum fair_verdict verdict)
{
	static const char *const names[] = {
		[FAIR_EVEN] = "even", [FAIR_UNCLEAR] = "unclear",
		[FAIR_UNEVEN] = "uneven", [FAIR_TOO_EVEN] = "too-even",
		[FAIR_TOO_FEW] = "too-few",
		[FAIR_AS_WEIGHTED] = "as-weighted",
		[FAIR_CHANGED] = "changed",
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
