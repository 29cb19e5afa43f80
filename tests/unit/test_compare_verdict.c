#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "ops/compare_verdict.h"

enum { ROUNDS = 5 };

static struct compare_measured own, others[VERDICT_OTHERS];

static void
fill(struct compare_measured *f, enum compare_measure m, const double *factors,
    double value)
{
	for (int i = 0; i < ROUNDS; i++)
		f->at[m][i] = value * (factors ? factors[i] : 1);
}

/* All alike, but for the machine's mood, which the rounds share. */
static void
level(void)
{
	static const double mood[ROUNDS] = { 1, 0.5, 2, 1.3, 0.9 };
	struct compare_measured *all[] = { &own, &others[0], &others[1] };

	for (size_t i = 0; i < 3; i++) {
		fill(all[i], VERDICT_RATE, mood, 10000);
		fill(all[i], VERDICT_CPU, mood, 60);
		fill(all[i], VERDICT_P99, mood, 900);
		fill(all[i], VERDICT_STALL_P99, mood, 2000);
	}
}

static void
scale(struct compare_measured *f, enum compare_measure m, double factor)
{
	for (int i = 0; i < ROUNDS; i++)
		f->at[m][i] *= factor;
}

static enum compare_worth
verdict(struct compare_verdict *a)
{
	const struct compare_measured *const against[] = {
		&others[0], &others[1],
	};

	compare_judge(a, &own, against, ROUNDS, 0);
	return a->verdict;
}

static void
equal_ones_differ_in_nothing(void **state)
{
	struct compare_verdict a;

	(void)state;
	level();
	assert_int_equal(verdict(&a), VERDICT_NO_DIFFERENCE);
	assert_true(fabs(a.ratio[VERDICT_RATE][0].median - 1) < 1e-9);
	/* nor do differences below the least */
	scale(&own, VERDICT_RATE, 1.14);
	scale(&own, VERDICT_CPU, 1.14);
	scale(&own, VERDICT_P99, 1 / 1.49);
	scale(&own, VERDICT_STALL_P99, 1.99);
	assert_int_equal(verdict(&a), VERDICT_NO_DIFFERENCE);
}

static void
each_measure_has_its_least_and_its_side(void **state)
{
	static const struct { double factor; enum compare_worth verdict; }
	cases[VERDICT_MEASURES][2] = {
		[VERDICT_RATE] = { { 1.16, VERDICT_WORTH },
		    { 1 / 1.16, VERDICT_NOT_WORTH } },
		[VERDICT_CPU] = { { 1 / 1.16, VERDICT_WORTH },
		    { 1.16, VERDICT_NOT_WORTH } },
		[VERDICT_P99] = { { 1 / 1.51, VERDICT_WORTH },
		    { 1.51, VERDICT_NOT_WORTH } },
		[VERDICT_STALL_P99] = { { 1 / 2.01, VERDICT_WORTH },
		    { 2.01, VERDICT_NOT_WORTH } },
	};
	struct compare_verdict a;

	(void)state;
	for (int m = 0; m < VERDICT_MEASURES; m++)
		for (int i = 0; i < 2; i++) {
			level();
			scale(&own, (enum compare_measure)m,
			    cases[m][i].factor);
			assert_int_equal(verdict(&a), cases[m][i].verdict);
		}
}

/* As measured in calm: faster, and much later where one stalls. */
static void
better_and_worse_depends(void **state)
{
	struct compare_verdict a;

	(void)state;
	level();
	scale(&own, VERDICT_RATE, 1.3);
	scale(&own, VERDICT_STALL_P99, 9);
	assert_int_equal(verdict(&a), VERDICT_DEPENDS);
	assert_int_equal(a.found[VERDICT_RATE], VERDICT_BETTER);
	assert_int_equal(a.found[VERDICT_STALL_P99], VERDICT_WORSE);
	assert_int_equal(a.found[VERDICT_CPU], VERDICT_SAME);
}

/* Whoever shares a queue can take the better of the two ways. */
static void
one_rival_that_is_as_good_is_enough(void **state)
{
	struct compare_verdict a;

	(void)state;
	level();
	scale(&others[VERDICT_SHARED], VERDICT_RATE, 0.5);
	assert_int_equal(verdict(&a), VERDICT_NO_DIFFERENCE);
	scale(&others[VERDICT_EXCLUSIVE], VERDICT_RATE, 0.5);
	assert_int_equal(verdict(&a), VERDICT_WORTH);
	scale(&others[VERDICT_EXCLUSIVE], VERDICT_RATE, 4);
	assert_int_equal(verdict(&a), VERDICT_NO_DIFFERENCE);
}

static void
rounds_that_disagree_are_noise(void **state)
{
	static const double one[ROUNDS] = { 2, 2, 2, 2, 0.5 };
	static const double two[ROUNDS] = { 2, 2, 2, 0.5, 0.5 };
	static const double wide[ROUNDS] = { 1, 1.5, 0.5, 1, 1 };
	struct compare_verdict a;

	(void)state;
	level();
	fill(&others[0], VERDICT_RATE, NULL, 1000);
	fill(&others[1], VERDICT_RATE, NULL, 1000);
	fill(&own, VERDICT_RATE, one, 1000);
	assert_int_equal(verdict(&a), VERDICT_WORTH);
	fill(&own, VERDICT_RATE, two, 1000);
	assert_int_equal(verdict(&a), VERDICT_INCONCLUSIVE);
	assert_int_equal(a.found[VERDICT_RATE], VERDICT_UNCLEAR);
	fill(&own, VERDICT_RATE, wide, 1000);
	assert_int_equal(verdict(&a), VERDICT_INCONCLUSIVE);
	/* what is unclear doesn't undo what is not */
	scale(&own, VERDICT_CPU, 0.5);
	assert_int_equal(verdict(&a), VERDICT_INCONCLUSIVE);
	scale(&own, VERDICT_STALL_P99, 5);
	assert_int_equal(verdict(&a), VERDICT_DEPENDS);
}

static void
too_little_is_inconclusive(void **state)
{
	const struct compare_measured *const against[] = {
		&others[0], &others[1],
	};
	struct compare_verdict a;

	(void)state;
	level();
	scale(&own, VERDICT_RATE, 3);
	compare_judge(&a, &own, against, 0, 0);
	assert_int_equal(a.verdict, VERDICT_INCONCLUSIVE);
	assert_true(isnan(a.ratio[VERDICT_RATE][0].median));
	compare_judge(&a, &own, against, 2, 0);
	assert_int_equal(a.verdict, VERDICT_INCONCLUSIVE);
	compare_judge(&a, &own, against, 3, 0);
	assert_int_equal(a.verdict, VERDICT_WORTH);
	compare_judge(&a, &own, against, 3, 1);
	assert_int_equal(a.verdict, VERDICT_INCONCLUSIVE);
	/* CPU that can't be known is no verdict's friend */
	fill(&own, VERDICT_CPU, NULL, NAN);
	assert_int_equal(verdict(&a), VERDICT_INCONCLUSIVE);
}

static void
medians_leave_out_what_is_not_known(void **state)
{
	const double odd[] = { 5, NAN, 1, 3 }, even[] = { 4, 1, 2, 3 };

	(void)state;
	assert_true(compare_median(odd, 4) == 3);
	assert_true(compare_median(even, 4) == 2.5);
	assert_true(isnan(compare_median(odd, 0)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_ones_differ_in_nothing),
		cmocka_unit_test(each_measure_has_its_least_and_its_side),
		cmocka_unit_test(better_and_worse_depends),
		cmocka_unit_test(one_rival_that_is_as_good_is_enough),
		cmocka_unit_test(rounds_that_disagree_are_noise),
		cmocka_unit_test(too_little_is_inconclusive),
		cmocka_unit_test(medians_leave_out_what_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
