/*
 * By simulation, or all cases: how often fair_test() is wrong about fair and
 * unfair groups.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "math/fair.h"
#include "spread.h"

enum { MEMBERS = 64 };

static struct fair f;

/* The fewest alarms that so many groups have with a chance below 1e-6. */
static int
alarm_limit(int groups, double chance)
{
	double tail = 1;
	int c = 0;

	while (tail > 1e-6) {
		tail -= exp(lgamma(groups + 1.0) - lgamma(c + 1.0) -
		    lgamma(groups - c + 1.0) + c * log(chance) +
		    (groups - c) * log1p(-chance));
		c++;
	}
	return c;
}

static void
assert_few(int got, int groups, double chance, const char *what)
{
	if (got >= alarm_limit(groups, chance))
		fail_msg("%s %d times of %d", what, got, groups);
}

/* What is as rare as this counts as one: to judge it takes a while. */
static bool
is_alarm(const uint64_t *counts, const double *weights, int k, double chance)
{
	if (chance < log(1e-9))
		return true;
	assert_int_equal(fair_test(counts, weights, k, &f), 0);
	return f.verdict == FAIR_UNEVEN;
}

/* All ways to deal n, each with its chance: how often is it uneven? */
static double
alarms(const double *weights, int k, int n, uint64_t *counts, int i)
{
	double sum = 0, chance = lgamma(n + 1.0);
	int left = n;

	for (int j = 0; j < i; j++)
		left -= (int)counts[j];
	for (int x = i < k - 1 ? 0 : left; x <= left; x++) {
		counts[i] = (uint64_t)x;
		if (i < k - 1) {
			sum += alarms(weights, k, n, counts, i + 1);
			continue;
		}
		for (int j = 0; j < k; j++)
			chance += (double)counts[j] * log(weights[j]) -
			    lgamma((double)counts[j] + 1);
		sum += is_alarm(counts, weights, k, chance) ? exp(chance) : 0;
	}
	return sum;
}

/* The distribution alone says uneven up to 8 times in 10,000 of these. */
static void
test_small_weights_are_not_uneven_by_chance(void **state)
{
	static const struct { double weights[3]; int k, n; } cases[] = {
		{{0.9, 0.1}, 2, 50},
		{{0.99, 0.01}, 2, 500}, {{0.7, 0.2, 0.1}, 3, 50},
	};
	uint64_t counts[3];
	double p;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		p = alarms(cases[i].weights, cases[i].k, cases[i].n, counts, 0);
		if (!(p < 1.4e-4))
			fail_msg("uneven with a chance of %g: case %zu", p, i);
	}
}

static void
check_alarms(int n, int k, const double *weights, int groups)
{
	int verdicts[FAIR_CHANGED + 1] = {0}, low = 0, half = 0, out = 0;
	uint64_t counts[MEMBERS], s = (uint64_t)n * 1000 + (uint64_t)k;

	for (int g = 0; g < groups; g++) {
		spread(counts, weights, k, n, &s);
		assert_int_equal(fair_test(counts, weights, k, &f), 0);
		verdicts[f.verdict]++;
		low += f.p < 0.01;
		half += f.p < 0.5;
		for (int i = 0; !weights && i < k; i++)
			if (fabs((double)counts[i] - (double)n / k) >
			    f.expected_spread_99) {
				out++;
				break;
			}
	}
	assert_few(low, groups, 0.0115, "p < 0.01");
	assert_few(half, groups, 0.515, "p < 0.5");
	assert_few(out, groups, 0.0125, "outside the spread");
	assert_few(verdicts[FAIR_UNEVEN], groups, 2e-4, "uneven");
	assert_few(verdicts[FAIR_UNCLEAR], groups, 0.02, "unclear");
	assert_few(verdicts[FAIR_TOO_EVEN], groups, 1e-4, "too-even");
	if (k < 16 && n >= 200) {	/* and the alarms do ring */
		assert_in_range(low, groups / 130, groups);
		assert_in_range(half, groups * 46 / 100, groups);
		assert_int_equal(verdicts[FAIR_TOO_FEW], 0);
	}
}

static void
test_false_alarms(void **state)
{
	static const double weights[] = {70, 20, 10};

	(void)state;
	check_alarms(400, 2, NULL, 20000);
	check_alarms(1000, 3, NULL, 5000);
	check_alarms(200, 4, NULL, 20000);
	check_alarms(400, 8, NULL, 5000);
	check_alarms(800, 16, NULL, 2000);
	check_alarms(3200, 64, NULL, 500);
	check_alarms(300, 3, weights, 5000);
	check_alarms(17, 4, NULL, 150);	/* drawn */
	check_alarms(20, 8, NULL, 150);
	check_alarms(8, 2, NULL, 150);
	check_alarms(45, 3, weights, 150);
}

static int
caught(int n, int k, const double *weights, int groups, uint64_t seed)
{
	uint64_t counts[MEMBERS];
	int sum = 0;

	for (int g = 0; g < groups; g++) {
		spread(counts, weights, k, n, &seed);
		assert_int_equal(fair_test(counts, NULL, k, &f), 0);
		sum += f.verdict == FAIR_UNEVEN;
	}
	return sum;
}

/* fair_needed() keeps its word: 0.9 within 5 standard deviations. */
static void
assert_caught(int k, double skew, int groups)
{
	int n = (int)fair_needed(k, 1.0 / k, skew);
	int far = (int)(5 * sqrt(0.09 * groups)) + 1;
	double weights[MEMBERS];

	weights[0] = 1 + skew;
	for (int i = 1; i < k; i++)
		weights[i] = (k - weights[0]) / (k - 1);
	assert_in_range(caught(n, k, weights, groups, 3), groups * 9 / 10 -
	    far, groups * 9 / 10 + far);
	assert_in_range(caught(n / 5, k, weights, groups, 4), 0, groups / 10);
}

static void
test_power(void **state)
{
	static const double dead[] = {1, 1, 1, 0}, heavy[] = {70, 10, 10, 10};

	(void)state;
	assert_int_equal(caught(100, 4, dead, 2000, 1), 2000);
	assert_int_equal(caught(100, 4, heavy, 2000, 2), 2000);
	assert_caught(2, 0.1, 1000);
	assert_caught(4, 0.1, 1000);
	assert_caught(4, -0.2, 1000);
	assert_caught(8, 0.2, 400);
	assert_caught(16, 0.5, 400);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_false_alarms),
		cmocka_unit_test(
		    test_small_weights_are_not_uneven_by_chance),
		cmocka_unit_test(test_power),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
