#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "report/plot.h"

enum { CELLS = 20 };

static const char *
plain_bar(double part, char text[static BAR_TEXT])
{
	struct bar bar = BAR(part);

	return bar_text(&bar, CELLS, text);
}

/* How many columns, and how many of them are not blank. */
static int
cells(const char *bar, int *filled)
{
	int columns = 0;

	*filled = 0;
	for (; *bar; bar++) {
		columns += (*bar & 0xc0) != 0x80;
		*filled += (*bar & 0xc0) != 0x80 && *bar != ' ';
	}
	return columns;
}

static void
bars_have_one_width(void **state)
{
	char bar[BAR_TEXT];
	int filled;

	(void)state;
	for (int i = 0; i <= 1000; i++) {
		assert_int_equal(cells(plain_bar(i / 1000.0, bar), &filled),
		    CELLS);
		assert_in_range(filled, i * CELLS / 1000,
		    i * CELLS / 1000 + 1);
	}
}

static void
bars_grow_by_eighths(void **state)
{
	char bar[BAR_TEXT];

	(void)state;
	assert_memory_equal(plain_bar(1.0 / CELLS, bar), "█ ", 4);
	assert_memory_equal(plain_bar(0.5 / CELLS, bar), "▌ ", 4);
	assert_memory_equal(plain_bar(1.125 / CELLS, bar), "█▏ ", 7);
	assert_memory_equal(plain_bar(1.875 / CELLS, bar), "█▉ ", 7);
}

static void
little_is_seen_and_nothing_is_not(void **state)
{
	char bar[BAR_TEXT];
	int filled;

	(void)state;
	assert_memory_equal(plain_bar(1e-9, bar), "▏ ", 4);
	cells(plain_bar(0, bar), &filled);
	assert_int_equal(filled, 0);
	cells(plain_bar(NAN, bar), &filled);
	assert_int_equal(filled, 0);
	cells(plain_bar(-1, bar), &filled);
	assert_int_equal(filled, 0);
	assert_int_equal(cells(plain_bar(7, bar), &filled), CELLS);
	assert_int_equal(filled, CELLS);
}

static const char *
ticked(double part, double expected, double spread,
    char text[static BAR_TEXT])
{
	struct bar bar = { part, expected, spread };

	return bar_text(&bar, CELLS, text);
}

static void
a_tick_is_at_what_is_expected_and_a_band_around_it(void **state)
{
	char bar[BAR_TEXT];
	int filled;

	(void)state;
	assert_string_equal(ticked(0.625, 0.525, 0.1, bar),
	    "████████▓▓│▓▌       ");
	assert_string_equal(ticked(0, 0.525, 0.1, bar),
	    "        ░░│░░       ");
	assert_string_equal(ticked(1, 0.525, 0.05, bar),
	    "█████████▓│▓████████");
	/* the tick is seen at the ends, too */
	assert_memory_equal(ticked(0.5, 0, 0, bar), "│", 3);
	cells(ticked(0, 1, 0, bar), &filled);
	assert_int_equal(filled, 1);
	for (int i = 0; i <= 100; i++)
		assert_int_equal(cells(ticked(0.3, i / 50.0, i / 99.0, bar),
		    &filled), CELLS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bars_have_one_width),
		cmocka_unit_test(bars_grow_by_eighths),
		cmocka_unit_test(little_is_seen_and_nothing_is_not),
		cmocka_unit_test(
		    a_tick_is_at_what_is_expected_and_a_band_around_it),
	};

	return cmocka_run_group_tests_name("plot", tests, NULL, NULL);
}
