#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "group/steer/least.h"

enum { MOST = 8 };
static const uint64_t unknown = LEAST_UNKNOWN;

#define OPEN(...) (const uint64_t[MOST]){ __VA_ARGS__ }
#define QUEUED(...) (const uint32_t[MOST]){ __VA_ARGS__ }
#define WEIGHTS(...) (const uint32_t[MOST]){ __VA_ARGS__ }

/* shares: a digit for each member. */
static void
chosen_of(const uint64_t *open, const uint32_t *queued, const uint32_t *weight,
    const char *shares)
{
	int n = (int)strlen(shares), ones = 0;
	uint32_t share[MOST];
	char got[MOST + 1] = "";
	int count = least_choose(open, queued, weight, share, n);

	for (int i = 0; i < n; i++) {
		got[i] = (char)('0' + share[i]);
		ones += share[i] > 0;
	}
	assert_string_equal(got, shares);
	assert_int_equal(count, ones);
}

static void
chosen(const uint64_t *open, const char *shares)
{
	chosen_of(open, QUEUED(0), WEIGHTS(1, 1, 1, 1), shares);
}

static void
the_fewest_get_the_next(void **state)
{
	(void)state;
	chosen(OPEN(0), "1");
	chosen(OPEN(3, 3, 3), "111");
	chosen(OPEN(1, 0, 1, 1), "0100");
	chosen(OPEN(2, 1, 2, 1), "0101");
	chosen(OPEN(9, 0, 9), "010");
	/* one more than the fewest, and not above the mean */
	chosen(OPEN(0, 1, 2, 1), "1101");
	chosen(OPEN(0, 1, 2, 0), "1001");
	/* but two more never, even if one has very many */
	chosen(OPEN(0, 1, 2, 90), "1100");
}

static void
a_member_of_weight_0_gets_none(void **state)
{
	(void)state;
	chosen_of(OPEN(0, 5, 5), QUEUED(0), WEIGHTS(0, 1, 1), "011");
	chosen_of(OPEN(0, 5, 6), QUEUED(0), WEIGHTS(0, 100, 1), "010");
	chosen_of(OPEN(0, 0), QUEUED(0), WEIGHTS(0, 0), "00");
}

static void
an_unknown_number_gets_its_part(void **state)
{
	(void)state;
	chosen(OPEN(unknown, unknown), "11");
	/* always one of three */
	chosen(OPEN(2, 2, unknown), "222");
	chosen(OPEN(2, 3, unknown), "201");
	chosen(OPEN(0, 9, unknown), "201");
	/* one of four each */
	chosen(OPEN(3, 9, unknown, unknown), "2011");
	chosen_of(OPEN(0, 4, unknown), QUEUED(0), WEIGHTS(0, 1, 1), "011");
	chosen_of(OPEN(0, 4, unknown), QUEUED(0, 0, 1), WEIGHTS(1, 1, 1),
	    "100");
}

static void
clients_that_wait_count(void **state)
{
	(void)state;
	chosen_of(OPEN(0, 9, 9), QUEUED(1, 0, 0), WEIGHTS(1, 1, 1), "011");
	chosen_of(OPEN(0, 9, 9), QUEUED(1, 7, 1), WEIGHTS(1, 1, 1), "100");
	chosen_of(OPEN(0, 9, 9), QUEUED(1, 0, 0), WEIGHTS(1, 0, 0), "100");
}

/* Spends whenever it may, from a moment on; returns how often in a second. */
static int
spent_in_a_second(uint32_t *spent, uint32_t from)
{
	int times = 0;

	for (uint32_t ms = 0; ms < 1000; ms++)
		while (!least_wait(*spent, from + ms)) {
			*spent = least_spend(*spent, from + ms);
			times++;
		}
	return times;
}

static void
it_is_20_times_a_second_at_most(void **state)
{
	/* the clock of 32 bits begins anew meanwhile */
	static const uint32_t starts[] = { 0, 1000, 4294966796, 2147483148 };

	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		uint32_t spent = starts[i];
		int first = spent_in_a_second(&spent, starts[i]);
		int next = spent_in_a_second(&spent, starts[i] + 1000);

		assert_in_range(first, 15, 20);
		assert_in_range(next, 14, 15);
	}
}

static void
a_wait_ends_when_it_says(void **state)
{
	uint32_t spent = 0;
	uint32_t wait;

	(void)state;
	for (int i = 0; i < LEAST_BURST; i++) {
		assert_int_equal(least_wait(spent, 500), 0);
		spent = least_spend(spent, 500);
	}
	wait = least_wait(spent, 500);
	assert_in_range(wait, 1, LEAST_MS);
	assert_int_equal(least_wait(spent, 500 + wait - 1), 1);
	assert_int_equal(least_wait(spent, 500 + wait), 0);
	/* of another clock, or of another process's making: nothing is owed */
	assert_int_equal(least_wait(500 + 100000, 500), 0);
	assert_int_equal(least_wait(400, 500), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fewest_get_the_next),
		cmocka_unit_test(a_member_of_weight_0_gets_none),
		cmocka_unit_test(an_unknown_number_gets_its_part),
		cmocka_unit_test(clients_that_wait_count),
		cmocka_unit_test(it_is_20_times_a_second_at_most),
		cmocka_unit_test(a_wait_ends_when_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
