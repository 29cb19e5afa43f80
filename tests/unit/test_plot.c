#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "report/plot.h"

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
		assert_int_equal(cells(bar_text(i / 1000.0, bar), &filled),
		    BAR_CELLS);
		assert_in_range(filled, i * BAR_CELLS / 1000,
		    i * BAR_CELLS / 1000 + 1);
	}
}

static void
bars_grow_by_eighths(void **state)
{
	char bar[BAR_TEXT];

	(void)state;
	assert_memory_equal(bar_text(1.0 / BAR_CELLS, bar), "█ ", 4);
	assert_memory_equal(bar_text(0.5 / BAR_CELLS, bar), "▌ ", 4);
	assert_memory_equal(bar_text(1.125 / BAR_CELLS, bar), "█▏ ", 7);
	assert_memory_equal(bar_text(1.875 / BAR_CELLS, bar), "█▉ ", 7);
}

static void
little_is_seen_and_nothing_is_not(void **state)
{
	char bar[BAR_TEXT];
	int filled;

	(void)state;
	assert_memory_equal(bar_text(1e-9, bar), "▏ ", 4);
	cells(bar_text(0, bar), &filled);
	assert_int_equal(filled, 0);
	cells(bar_text(NAN, bar), &filled);
	assert_int_equal(filled, 0);
	cells(bar_text(-1, bar), &filled);
	assert_int_equal(filled, 0);
	assert_int_equal(cells(bar_text(7, bar), &filled), BAR_CELLS);
	assert_int_equal(filled, BAR_CELLS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bars_have_one_width),
		cmocka_unit_test(bars_grow_by_eighths),
		cmocka_unit_test(little_is_seen_and_nothing_is_not),
	};

	return cmocka_run_group_tests_name("plot", tests, NULL, NULL);
}
