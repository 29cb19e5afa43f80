#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "math/hist.h"
#include "probe/stats/tally.h"

static struct tally tally;

static int
begin(void **state)
{
	(void)state;
	tally = (struct tally){ 0 };
	return 0;
}

static int
end(void **state)
{
	(void)state;
	tally_free(&tally);
	return 0;
}

static int
row_named(const char *name)
{
	struct row like = { .worker = -1 };

	snprintf(like.name, sizeof(like.name), "%s", name);
	return tally_name(&tally, &like);
}

static void
add(int row, enum outcome outcome)
{
	struct attempt_result r = {
		.outcome = outcome, .row = row, .predicted = -1, .due = row,
		.accepted = -1, .took = -1,
	};

	for (int i = 0; i < LATENCIES; i++)
		r.ns[i] = -1;
	if (outcome == OUT_OK)
		r.ns[LATENCY_CONNECT] = 1000;
	tally_add(&tally, &r);
}

/* Two answers, a timeout, and the counts that only the kernel tells. */
static int
row_with_counts(const char *name)
{
	int at = row_named(name);
	struct row *row = &tally.rows[at];

	add(at, OUT_OK);
	add(at, OUT_OK);
	add(at, OUT_TIMEOUT);
	row->predicted = 3;
	row->queued = 4;
	row->confirmed = 5;
	row->handed = 6;
	row->elsewhere = 7;
	return at;
}

static void
assert_counts(const struct row *row, uint64_t times)
{
	assert_int_equal(row->count, 2 * times);
	assert_int_equal(row->failed, times);
	assert_int_equal(row->blame.due, 3 * times);
	assert_int_equal(row->blame.unanswered, times);
	assert_int_equal(row->predicted, 3 * times);
	assert_int_equal(row->queued, 4 * times);
	assert_int_equal(row->confirmed, 5 * times);
	assert_int_equal(row->handed, 6 * times);
	assert_int_equal(row->elsewhere, 7 * times);
	assert_non_null(row->latency[LATENCY_CONNECT]);
	assert_int_equal(row->latency[LATENCY_CONNECT]->count, 2 * times);
}

static void
a_row_that_is_forgotten_counts_among_the_earlier_ones(void **state)
{
	int one = row_with_counts("A"), other = row_with_counts("B");

	(void)state;
	assert_counts(&tally.rows[one], 1);
	assert_int_equal(tally_forget(&tally, one), 0);
	assert_counts(&tally.rows[tally.earlier - 1], 1);
	assert_int_equal(tally_forget(&tally, other), 0);
	assert_counts(&tally.rows[tally.earlier - 1], 2);
	assert_true(tally.rows[one].unused);
	tally_tidy(&tally);
	assert_int_equal(tally.count, 1);
	assert_string_equal(tally.rows[0].command, "(earlier ones)");
}

/* A peer that makes up names fills no memory, but who goes makes room. */
static void
as_many_names_as_there_is_room_for(void **state)
{
	char name[24];

	(void)state;
	for (int i = 0; i < ROW_NAMES_MAX; i++) {
		snprintf(name, sizeof(name), "member%d", i);
		assert_int_equal(row_named(name), i);
	}
	assert_int_equal(row_named("one more"), -1);
	assert_int_equal(row_named("member7"), 7);
	assert_int_equal(tally_forget(&tally, 7), 0);
	assert_int_equal(row_named("one more"), 7);
	assert_int_equal(row_named("and one more"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_row_that_is_forgotten_counts_among_the_earlier_ones,
		    begin, end),
		cmocka_unit_test_setup_teardown(
		    as_many_names_as_there_is_room_for, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
