#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "math/fair.h"
#include "spread.h"

enum { MEMBERS = 64 };

static void
assert_near(double got, double want, double relative, const char *what)
{
	if (!(fabs(got - want) <= relative * fabs(want)))
		fail_msg("%s: %.17g, not %.17g", what, got, want);
}

#define TEST(verdict_, weights, ...) do { \
	const uint64_t counts_[] = {__VA_ARGS__}; \
	assert_int_equal(fair_test(counts_, weights, \
	    (int)(sizeof counts_ / sizeof *counts_), &f), 0); \
	assert_string_equal(fair_verdict_name(f.verdict), verdict_); \
} while (0)

static struct fair f;

/*
 * P(chi-square of dof >= chi2): Debian's python3-mpmath 1.2.1, 40 digits,
 * gammainc(mpf(dof) / 2, mpf("chi2") / 2, inf, regularized=True)
 */
static const struct {
	double chi2;
	int dof;
	double p;
} tails[] = {
	{1.5708e-08, 1, 0.99989999988334}, {0.454936, 1, 0.50000019934704},
	{6.6349, 1, 0.0099999809194221}, {15.1367, 1, 0.00010000027683591},
	{41.8215, 1, 9.999776833433e-11}, {64.4305, 1, 9.9998148531248e-16},
	{132.8, 1, 9.9994595586208e-31}, {0.00020001, 2, 0.99990000000033},
	{1.38629, 2, 0.50000109028116}, {9.21034, 2, 0.010000001859881},
	{18.4207, 2, 9.9999037202253e-5}, {46.0517, 2, 1.0000009299409e-10},
	{69.0776, 2, 9.9997639518928e-16}, {138.155, 2, 1.0000527912148e-30},
	{0.00521483, 3, 0.99990000006692}, {2.36597, 3, 0.50000073025034},
	{11.3449, 3, 0.0099998462373419}, {21.1075, 3, 0.00010000064407354},
	{49.5422, 3, 9.999783918388e-11}, {72.9425, 3, 1.0000088016851e-15},
	{142.678, 3, 9.9999315936937e-31}, {0.0284185, 4, 0.9998999998266},
	{3.35669, 4, 0.50000062350768}, {13.2767, 4, 0.010000017972572},
	{23.5127, 4, 0.00010000195590072}, {52.668, 4, 9.9998227864009e-11},
	{76.4153, 4, 9.9999827572993e-16}, {146.774, 4, 9.9983399899004e-31},
	{0.299967, 7, 0.99989999985139}, {6.34581, 7, 0.5000001350886},
	{18.4753, 7, 0.010000026224051}, {29.8775, 7, 0.00010000016498827},
	{60.8952, 7, 9.999978663023e-11}, {85.5743, 7, 9.9998857821516e-16},
	{157.653, 7, 1.0000134315724e-30}, {55.7246, 100, 0.99989999993537},
	{99.3341, 100, 0.50000082795559}, {135.807, 100, 0.0099995737292488},
	{161.319, 100, 9.999297945685e-5}, {217.714, 100, 1.0000565733809e-10},
	{256.635, 100, 9.9999180042878e-16}, {358.029, 100, 1.00016775122e-30},
	{842.168, 1000, 0.99990000145583}, {999.333, 1000, 0.500003680326},
	{1106.97, 1000, 0.0099994398185427},
	{1174.93, 1000, 0.00010002781807913},
	{1311.3, 1000, 1.0003663999704e-10},
	{1397.57, 1000, 1.0002185039669e-15},
	{1602.93, 1000, 1.0000404283388e-30}, {1e-08, 1, 0.99992021154405},
	{1e-08, 2, 0.999999995}, {700, 1, 2.9902269751246e-154},
	{1400, 3, 2.9456193610163e-303}, {0.5, 100, 1.0},
};

static void
test_chi2_p(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
		assert_near(fair_chi2_p(tails[i].chi2, tails[i].dof),
		    tails[i].p, 2e-12, "p");
	assert_true(fair_chi2_p(0, 3) == 1);
	assert_true(fair_chi2_p(INFINITY, 3) == 0);
	assert_true(fair_chi2_p(1e6, 3) == 0);
	assert_true(fair_chi2_p(5, 0) == 1 && fair_chi2_p(-1, 3) == 1);
}

/*
 * Debian's python3-scipy 1.10.1: c = chi2.isf(1e-4, k - 1); the lambda with
 * ncx2.cdf(c, k - 1, lambda) = 0.1 by brentq, times (1 - w) / (w * skew**2)
 */
static void
test_needed(void **state)
{
	static const struct {
		int k;
		double share, skew, n;
	} cases[] = {
		{2, 0.5, 0.1, 2675.106788763117},
		{3, 1 / 3.0, 0.1, 5983.6796393809855},
		{4, 0.25, 0.1, 9675.672342991864},
		{4, 0.25, 0.2, 2418.918085747966},
		{4, 0.25, -1, 96.75672342991865},
		{8, 0.125, 0.1, 27180.169971847663},
		{16, 1 / 16.0, 0.1, 71381.83282645374},
		{64, 1 / 64.0, 0.1, 481978.1394141293},
		{3, 0.1, 0.1, 26926.558377214427},
		{256, 1 / 256.0, 0.1, 3403993.034218016},
		{1000, 0.001, 0.5, 975956.0825480848},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_near((double)fair_needed(cases[i].k, cases[i].share,
		    cases[i].skew), ceil(cases[i].n), 1e-8, "n");
	assert_int_equal(fair_needed(1, 0.5, 0.1), 0);
	assert_int_equal(fair_needed(2, 1, 0.1), 0);
	assert_true(fair_needed(2, 1e-30, 0.1) == UINT64_MAX);
	assert_int_equal(fair_needed(4, 0.25, 0), 0);
}

/* The same scipy: norm.isf(0.005 / k) * sqrt(n * w * (1 - w)) */
static void
test_spread(void **state)
{
	static const struct {
		uint64_t n;
		double share;
		int k;
		double spread;
	} cases[] = {
		{1000, 1 / 3.0, 3, 43.75537026604821},
		{1000, 0.5, 2, 44.38310088485937},
		{200, 0.25, 4, 18.51410961393092},
		{3200, 1 / 64.0, 64, 26.525449763871528},
		{1000, 0.7, 3, 42.535081328562576},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_near(fair_spread_99(cases[i].n, cases[i].share,
		    cases[i].k), cases[i].spread, 1e-9, "spread");
	assert_true(fair_spread_99(1000, 1, 1) == 0);
}

/* By hand: expected 1000 / 3, deviations 44/3, -7/3, -37/3 (CONTRACT). */
static void
test_report_of_three(void **state)
{
	(void)state;
	TEST("even", NULL, 348, 331, 321);
	assert_int_equal(f.n, 1000);
	assert_near(f.chi2, (44 * 44 + 7 * 7 + 37 * 37) / 3000.0, 1e-12,
	    "chi2");
	assert_int_equal(f.dof, 2);
	assert_near(f.p, exp(-f.chi2 / 2), 1e-12, "p");
	assert_false(f.monte_carlo);
	assert_near(f.expected_spread_99, 43.75537026604821, 1e-9, "spread");
	assert_near(f.largest_deviation, 0.044, 1e-12, "deviation");
	assert_int_equal(f.largest, 0);
	assert_int_equal(f.n_for_10pct, 5984);
	assert_int_equal(f.silent, 0);
	assert_true(f.silent_p == 1);
}

static void
test_weights(void **state)
{
	static const double even[] = {5, 5, 5}, abc[] = {70, 20, 10},
	    off[] = {1, 0, 1}, tiny[] = {1, 1e-310}, bad[][2] = {{1, -1},
	    {0, 0}, {1, NAN}, {1, INFINITY}, {1e308, 1e308}};
	const uint64_t counts[] = {1, 1};

	(void)state;
	TEST("even", even, 348, 331, 321);
	assert_near(f.chi2, 1.118, 1e-9, "chi2");
	TEST("as-weighted", abc, 705, 190, 105);
	assert_near(f.chi2, 25 / 700.0 + 0.5 + 0.25, 1e-9, "chi2");
	assert_near(f.largest_deviation, -0.05, 1e-9, "deviation");
	assert_near(f.expected_spread_99, 42.535081328562576, 1e-9, "spread");
	TEST("uneven", abc, 333, 333, 334);
	assert_int_equal(f.largest, 2);
	TEST("uneven", NULL, 700, 200, 100);
	TEST("even", off, 90, 0, 110);		/* out of the group: right */
	assert_int_equal(f.dof, 1);
	assert_int_equal(f.silent, 0);
	TEST("uneven", off, 90, 1, 110);	/* steered past, yet one came */
	assert_true(isinf(f.chi2) && f.p == 0 && f.largest == 1);
	TEST("too-few", tiny, 9, 0);
	assert_true(f.p == 1);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(fair_test(counts, bad[i], 2, &f), -1);
	assert_int_equal(fair_test(counts, NULL, -1, &f), -1);
}

static void
test_too_few(void **state)
{
	(void)state;
	assert_int_equal(fair_test(NULL, NULL, 0, &f), 0);
	assert_int_equal(f.verdict, FAIR_TOO_FEW);
	TEST("too-few", NULL, 1000);		/* one member: nothing to say */
	assert_int_equal(f.dof, 0);
	assert_true(f.p == 1);
	TEST("too-few", NULL, 0, 0, 0, 0);
	assert_true(f.p == 1 && f.chi2 == 0 && f.largest == -1);
	/* a dead one of 4 passes at 20 (4 * .75^20 = .0127), not at 21 */
	TEST("too-few", NULL, 4, 5, 5, 6);
	TEST("even", NULL, 5, 5, 5, 6);
	TEST("too-few", NULL, 3, 4);		/* 2 * .5^7 = .0156 */
	TEST("even", NULL, 3, 5);		/* 2 * .5^8 = .0078 */
	TEST("uneven", NULL, 10, 0, 0, 0);	/* 4^-9: no more are needed */
}

/* The n that "too-few" asks for is the first one that is not too few. */
static void
test_enough(void **state)
{
	static const double last[] = {1, 1, 1, 0.02};
	uint64_t counts[MEMBERS];

	(void)state;
	TEST("too-few", NULL, 4, 5, 5, 6);
	assert_int_equal(f.n_enough, 21);
	TEST("too-few", NULL, 3, 4);
	assert_int_equal(f.n_enough, 8);
	TEST("too-few", NULL, 1000);
	assert_int_equal(f.n_enough, 0);
	TEST("too-few", last, 1, 1, 1, 0);	/* log(.01) / log1p(-.02 / 3.02) */
	assert_int_equal(f.n_enough, 694);
	for (int k = 2; k <= MEMBERS; k *= 2) {
		memset(counts, 0, sizeof counts);
		assert_int_equal(fair_test(counts, NULL, k, &f), 0);
		for (uint64_t i = 1; i < f.n_enough; i++)
			counts[i * i % 7 % (uint64_t)k]++;
		assert_int_equal(fair_test(counts, NULL, k, &f), 0);
		assert_int_equal(f.n, f.n_enough - 1);
		memset(counts, 0, sizeof counts);
		for (uint64_t i = 0; i < f.n_enough; i++)
			counts[i % (uint64_t)k]++;
		assert_int_equal(fair_test(counts, NULL, k, &f), 0);
		assert_int_not_equal(f.verdict, FAIR_TOO_FEW);
		counts[0]--;
		assert_int_equal(fair_test(counts, NULL, k, &f), 0);
		assert_true(f.verdict == FAIR_TOO_FEW || f.p > 0.99);
	}
}

/* Chi-square alone has p 0.02 here: one of 256 drowns in the noise. */
static void
test_a_silent_member_is_never_even(void **state)
{
	uint64_t counts[256], s = 3;

	(void)state;
	spread(counts, NULL, 255, 12800, &s);
	counts[255] = 0;
	assert_int_equal(fair_test(counts, NULL, 256, &f), 0);
	assert_true(f.p > 1e-4);
	assert_int_equal(f.verdict, FAIR_UNEVEN);
	assert_int_equal(f.silent, 1);
	assert_near(f.silent_p, 256 * pow(255 / 256.0, 12800), 1e-9, "p");
	assert_near(f.largest_deviation, -1, 1e-12, "deviation");
	assert_int_equal(f.largest, 255);
	TEST("unclear", NULL, 11, 10, 9, 0);	/* p .0175, silent .0007 */
	assert_true(f.p > 0.01);
}

static void
test_too_even(void **state)
{
	uint64_t counts[MEMBERS];

	(void)state;
	TEST("even", NULL, 500, 500);		/* every 40th time */
	assert_true(f.p == 1);
	TEST("even", NULL, 334, 333, 333);
	TEST("too-even", NULL, 50, 50, 50, 50, 50, 50, 50, 50);
	for (int k = 16; k <= MEMBERS; k += 16) {	/* round robin */
		for (int i = 0; i < MEMBERS; i++)
			counts[i] = 1;
		assert_int_equal(fair_test(counts, NULL, k, &f), 0);
		assert_int_equal(f.verdict, FAIR_TOO_EVEN);
		assert_true(f.monte_carlo && f.p > 0.9999);
		for (int i = 0; i < MEMBERS; i++)
			counts[i] = 50 + (uint64_t)i % 2;
		assert_int_equal(fair_test(counts, NULL, k, &f), 0);
		assert_int_equal(f.verdict, FAIR_TOO_EVEN);
		assert_false(f.monte_carlo);
	}
}

static void
test_names(void **state)
{
	static const char *const names[] = {"even", "unclear", "uneven",
	    "too-even", "too-few", "as-weighted", "changed"};

	(void)state;
	for (int i = FAIR_EVEN; i <= FAIR_CHANGED; i++)
		assert_string_equal(fair_verdict_name((enum fair_verdict)i),
		    names[i]);
}

/* All ways to spread n, each with its multinomial chance. */
struct ways {
	const double *weights;
	double total, n, chi2, upper, lower;
	int k;
};

static void
enumerate(struct ways *w, int i, int left, double chi2, double log_chance)
{
	double share = w->weights[i] / w->total, e = w->n * share, c, lg;

	for (int x = i == w->k - 1 ? left : 0; x <= left; x++) {
		c = chi2 + (x - e) * (x - e) / e;
		lg = log_chance + x * log(share) - lgamma(x + 1.0);
		if (i < w->k - 1) {
			enumerate(w, i + 1, left - x, c, lg);
			continue;
		}
		w->upper += c >= w->chi2 - 1e-8 ? exp(lg) : 0;
		w->lower += c <= w->chi2 + 1e-8 ? exp(lg) : 0;
	}
}

/* Within 5 standard deviations of what so many draws can tell. */
static void
assert_drawn_well(const uint64_t *counts, const double *weights, int k)
{
	struct ways w = {.weights = weights, .k = k};
	double draws, error;

	assert_int_equal(fair_test(counts, weights, k, &f), 0);
	assert_true(f.monte_carlo);
	w.n = (double)f.n;
	w.chi2 = f.chi2;
	for (int i = 0; i < k; i++)
		w.total += weights[i];
	enumerate(&w, 0, (int)f.n, 0, lgamma(w.n + 1));
	draws = fmin(1e5, 400 / fmin(w.upper, w.lower));
	error = 5 * sqrt(w.upper * (1 - fmin(w.upper, 1)) / draws) +
	    1.5 / draws;
	if (f.p < 1e-6 ? w.upper > f.p : fabs(f.p - w.upper) > error)
		fail_msg("p %g, not %g +- %g", f.p, w.upper, error);
}

static void
test_drawn_against_enumeration(void **state)
{
	static const double weights[][4] = {{1, 1, 1, 1}, {70, 10, 10, 10},
	    {1, 2, 3, 4}, {0.01, 1, 0.3, 5}};
	uint64_t counts[4], s = 12;

	(void)state;
	for (int k = 2; k <= 4; k++)
		for (size_t w = 0; w < sizeof weights / sizeof *weights; w++)
			for (int n = 1; n < 5 * k; n++) {
				spread(counts, n % 3 ? weights[w] : NULL, k, n,
				    &s);
				assert_drawn_well(counts, weights[w], k);
			}
}

static void
test_drawn_is_repeatable_and_reaches_uneven(void **state)
{
	struct fair again;

	(void)state;
	TEST("too-few", NULL, 1, 2, 4, 5);
	again = f;
	TEST("too-few", NULL, 1, 2, 4, 5);
	assert_true(again.p == f.p);
	TEST("uneven", NULL, 12, 0, 1, 0);
	assert_true(f.monte_carlo && f.p > 0 && f.p < 1e-4);
	/* what no drawing reaches: 2 sides, 2 members, 1 and 40 ways of 2^40 */
	TEST("uneven", NULL, 39, 1);
	assert_true(f.monte_carlo);
	assert_near(f.p, 4 * 41 * 0x1p-40, 1e-9, "p");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chi2_p),
		cmocka_unit_test(test_needed),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_report_of_three),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_too_few),
		cmocka_unit_test(test_enough),
		cmocka_unit_test(test_a_silent_member_is_never_even),
		cmocka_unit_test(test_too_even),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_drawn_against_enumeration),
		cmocka_unit_test(test_drawn_is_repeatable_and_reaches_uneven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
