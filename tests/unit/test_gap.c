#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "probe/stats/gap.h"

static struct gap gap;

static int
begin(void **state)
{
	(void)state;
	return gap_begin(&gap, 1000);
}

static int
end(void **state)
{
	(void)state;
	gap_free(&gap);
	return 0;
}

static void
assert_gap(int64_t from, int64_t to)
{
	assert_int_equal(gap.longest, to - from);
	assert_int_equal(gap.from, from);
}

static void
the_longest_of_several_counts(void **state)
{
	(void)state;
	gap_add(&gap, 1010);
	gap_add(&gap, 1040);
	gap_add(&gap, 1090);
	gap_add(&gap, 1100);
	gap_end(&gap, 1100);
	assert_gap(1040, 1090);
}

static void
the_order_of_answers_does_not_matter(void **state)
{
	static const int64_t when[] = { 1040, 1010, 1100, 1090, 1090, 1020 };

	(void)state;
	for (int i = 0; i < 6; i++)
		gap_add(&gap, when[i]);
	gap_end(&gap, 1100);
	assert_gap(1040, 1090);
}

static void
both_ends_count(void **state)
{
	(void)state;
	gap_add(&gap, 1050);
	gap_end(&gap, 1070);
	assert_gap(1000, 1050);
	gap_free(&gap);
	assert_int_equal(gap_begin(&gap, 1000), 0);
	gap_add(&gap, 1050);
	gap_end(&gap, 1200);
	assert_gap(1050, 1200);
}

static void
without_an_answer_all_of_it_is_a_gap(void **state)
{
	(void)state;
	gap_end(&gap, 1070);
	assert_gap(1000, 1070);
}

/* An answer that is due no later than the last one's time is no gap. */
static void
an_end_before_the_last_answer_is_no_gap(void **state)
{
	(void)state;
	gap_add(&gap, 1005);
	gap_end(&gap, 1001);
	assert_gap(1000, 1005);
}

static void
what_nobody_could_see_is_no_gap(void **state)
{
	(void)state;
	gap_add(&gap, 1010);
	gap_restart(&gap, 5000);
	gap_add(&gap, 4000);
	gap_add(&gap, 5020);
	gap_end(&gap, 5020);
	assert_gap(5000, 5020);
}

/* More answers than are kept, each pair in the wrong order; one gap. */
static void
many_answers_are_judged_in_parts(void **state)
{
	int64_t when = 1000;

	(void)state;
	for (int i = 0; i < 5 * GAP_KEPT; i++) {
		when += i == 3 * GAP_KEPT + 7 ? 1000 : 10;
		gap_add(&gap, when + 3);
		gap_add(&gap, when);
	}
	gap_end(&gap, when);
	assert_int_equal(gap.longest, 1000 - 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_longest_of_several_counts,
		    begin, end),
		cmocka_unit_test_setup_teardown(
		    the_order_of_answers_does_not_matter, begin, end),
		cmocka_unit_test_setup_teardown(both_ends_count, begin, end),
		cmocka_unit_test_setup_teardown(
		    without_an_answer_all_of_it_is_a_gap, begin, end),
		cmocka_unit_test_setup_teardown(
		    an_end_before_the_last_answer_is_no_gap, begin, end),
		cmocka_unit_test_setup_teardown(
		    what_nobody_could_see_is_no_gap, begin, end),
		cmocka_unit_test_setup_teardown(
		    many_answers_are_judged_in_parts, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
