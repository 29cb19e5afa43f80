#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "probe/stats/blame.h"

/* 106 of 850 timed out, and all were one member's. */
static const struct blame one_of_eight[] = {
	{ 101, 0 }, { 97, 0 }, { 112, 0 }, { 106, 106 }, { 120, 0 }, { 99, 0 },
	{ 110, 0 }, { 105, 0 },
};

static void
who_answers_nothing_is_silent(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++)
		assert_int_equal(blame_is_silent(one_of_eight, 8, i,
		    PREDICTED_UNSURE), i == 3);
}

static void
two_of_eight_are_both_silent(void **state)
{
	struct blame b[8];

	(void)state;
	for (int i = 0; i < 8; i++)
		b[i] = (struct blame){ 25, i < 2 ? 25 : 0 };
	for (int i = 0; i < 8; i++)
		assert_int_equal(blame_is_silent(b, 8, i, PREDICTED_UNSURE), i < 2);
}

static void
a_late_answer_clears(void **state)
{
	struct blame b[] = { { 100, 99 }, { 100, 0 } };

	(void)state;
	assert_false(blame_is_silent(b, 2, 0, PREDICTED_UNSURE));
	assert_false(blame_is_silent(b, 2, 0, PREDICTED_SURE));
}

/* If a program chooses at random, timeouts fall on all of them. */
static void
timeouts_of_all_are_nobodys(void **state)
{
	struct blame b[8];

	(void)state;
	for (int i = 0; i < 8; i++)
		b[i] = (struct blame){ 100, 12 };
	for (int i = 0; i < 8; i++)
		assert_false(blame_is_silent(b, 8, i, PREDICTED_UNSURE));
}

/* C(8, 1) ways: one of 8 attempts timed out, whosever it was. */
static void
few_attempts_could_be_chance(void **state)
{
	struct blame b[8];

	(void)state;
	for (int i = 0; i < 8; i++)
		b[i] = (struct blame){ 1, i == 0 };
	assert_false(blame_is_silent(b, 8, 0, PREDICTED_UNSURE));
	assert_true(blame_is_silent(b, 8, 0, PREDICTED_SURE));
}

/* 8 / C(56, 7) = 3.4e-8 is below one in a million, 8 / C(40, 5) = 1.2e-5 not. */
static void
the_limit_is_one_in_a_million(void **state)
{
	struct blame b[8];

	(void)state;
	for (int i = 0; i < 8; i++)
		b[i] = (struct blame){ 7, i == 0 ? 7 : 0 };
	assert_true(blame_is_silent(b, 8, 0, PREDICTED_UNSURE));
	for (int i = 0; i < 8; i++)
		b[i] = (struct blame){ 5, i == 0 ? 5 : 0 };
	assert_false(blame_is_silent(b, 8, 0, PREDICTED_UNSURE));
}

static void
if_nobody_answers_the_hash_can_not_be_tested(void **state)
{
	struct blame b[] = { { 100, 100 }, { 100, 100 } };

	(void)state;
	assert_false(blame_is_silent(b, 2, 0, PREDICTED_UNSURE));
	assert_true(blame_is_silent(b, 2, 0, PREDICTED_SURE));
	assert_true(blame_is_silent(b, 2, 1, PREDICTED_SURE));
}

static void
nobody_is_blamed_for_nothing_or_by_a_program(void **state)
{
	struct blame b[] = { { 0, 0 }, { 100, 100 }, { 100, 0 } };

	(void)state;
	assert_false(blame_is_silent(b, 3, 0, PREDICTED_SURE));
	assert_false(blame_is_silent(b, 3, 0, PREDICTED_UNSURE));
	assert_true(blame_is_silent(b, 3, 1, PREDICTED_UNSURE));
	assert_false(blame_is_silent(b, 3, 1, PREDICTED_NOT));
}

/* One in 1,050,000 for each: of 64 members one of them is so by chance. */
static void
of_many_members_one_may_be_silent_by_chance(void **state)
{
	struct blame b[64];

	(void)state;
	b[0] = (struct blame){ 20, 20 };
	for (int i = 1; i < 64; i++)
		b[i] = (struct blame){ 20000, 10000 };
	assert_false(blame_is_silent(b, 64, 0, PREDICTED_UNSURE));
	b[0] = (struct blame){ 28, 28 };
	assert_true(blame_is_silent(b, 64, 0, PREDICTED_UNSURE));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_answers_nothing_is_silent),
		cmocka_unit_test(two_of_eight_are_both_silent),
		cmocka_unit_test(a_late_answer_clears),
		cmocka_unit_test(timeouts_of_all_are_nobodys),
		cmocka_unit_test(few_attempts_could_be_chance),
		cmocka_unit_test(the_limit_is_one_in_a_million),
		cmocka_unit_test(of_many_members_one_may_be_silent_by_chance),
		cmocka_unit_test(if_nobody_answers_the_hash_can_not_be_tested),
		cmocka_unit_test(nobody_is_blamed_for_nothing_or_by_a_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
