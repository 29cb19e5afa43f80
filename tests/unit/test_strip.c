#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/strip.h"

static void
assert_row(const struct strip *s, int row, bool color, const char *expected)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	strip_row(out, s, row, color);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void
test_rates(void **state)
{
	struct rate_history h = { 0 };
	const struct rate_track *t;

	(void)state;
	rate_history_add(&h, 7, 100, 0, false);
	assert_null(rate_history_find(&h, 7));	/* one total is no rate */
	rate_history_add(&h, 7, 150, 2, false);
	rate_history_add(&h, 7, 150, 1, true);
	rate_history_add(&h, 7, 20, 1, false);	/* it began anew */
	t = rate_history_find(&h, 7);
	assert_int_equal(t->count, 3);
	assert_true(fabs((double)t->samples[0].rate - 25) < 1e-6);
	assert_true(t->samples[1].stopped && !t->samples[0].stopped);
	assert_true(t->samples[1].rate == 0 && t->samples[2].rate == 0);
	assert_null(rate_history_find(&h, 8));
	rate_history_free(&h);
}

static void
test_forgets(void **state)
{
	struct rate_history h = { 0 };

	(void)state;
	for (uint64_t key = 0; key < 5; key++) {
		rate_history_add(&h, key, 0, 0, false);
		rate_history_add(&h, key, key, 1, false);
	}
	rate_history_forget(&h);
	assert_int_equal(h.count, 5);
	rate_history_add(&h, 3, 9, 1, false);
	rate_history_forget(&h);
	assert_int_equal(h.count, 1);
	assert_int_equal(rate_history_find(&h, 3)->count, 2);
	rate_history_forget(&h);
	assert_int_equal(h.count, 0);
	rate_history_free(&h);
}

static void
test_keeps_the_newest(void **state)
{
	struct rate_history h = { 0 };
	const struct rate_track *t;

	(void)state;
	rate_history_add(&h, 1, 0, 0, false);
	for (uint64_t i = 1, total = 0; i <= RATE_SAMPLES + 10; i++)
		rate_history_add(&h, 1, total += i, 1, false);
	t = rate_history_find(&h, 1);
	assert_int_equal(t->count, RATE_SAMPLES);
	assert_true(t->samples[0].rate == 11);
	assert_true(t->samples[RATE_SAMPLES - 1].rate == RATE_SAMPLES + 10);
	assert_true(strip_most(t, 5) == RATE_SAMPLES + 10);
	rate_history_free(&h);
}

static void
test_rows(void **state)
{
	static const struct rate_track t = {
		.count = 4, .samples = { { 0, false }, { 8, false },
			{ 0, true }, { 16, false } },
	};
	struct strip s = { &t, 16, 6, 1 };

	(void)state;
	/* the newest at the right; a stopped one is a cross */
	assert_row(&s, 0, false, "   ▄×█");
	assert_row(&s, 0, true, "   ▄\033[2m×\033[0m█");
	s.rows = 2;
	assert_row(&s, 0, false, "     █");
	assert_row(&s, 1, false, "   █×█");
	s.cells = 2;
	assert_row(&s, 1, false, "×█");
	s.track = NULL;
	assert_row(&s, 1, false, "");
	assert_true(strip_most(NULL, 6) == 0 && strip_most(&t, 0) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_keeps_the_newest),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
