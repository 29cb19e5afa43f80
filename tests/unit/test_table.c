#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/table.h"

struct row {
	const char *name;
	int64_t count;
};

static struct bar
half(const struct table_cell *c)
{
	(void)c;
	return BAR(0.5);
}

static const struct row rows[] = { { "Ann", 7 }, { NULL, 12345 }, { "B", -1 } };

static const struct table_column columns[] = {
	{ "name", .text = table_text_at, .at = offsetof(struct row, name) },
	{ "n", 1, 2, .right = true, .text = table_number_at,
	    .at = offsetof(struct row, count) },
	{ "", .gap = 1, .bar = half },
	{ "empty", .gap = 1, .wanted = table_has_text, .text = table_text_at,
	    .at = offsetof(struct row, name) },
};

static void
assert_table(int count, size_t row_count, int width, const char *expected)
{
	struct table t = {
		.column = columns, .count = count, .rows = rows,
		.row_count = row_count, .row_size = sizeof(*rows),
	};
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	table_fit(&t, width);
	table_head(out, &t, false);
	for (size_t i = 0; i < row_count; i++) {
		fputc('\n', out);
		table_row(out, &t, false, &rows[i]);
	}
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void
columns_are_as_wide_as_their_widest_cell(void **state)
{
	(void)state;
	assert_table(2, 3, 0,
	    "name      n\n"
	    "Ann       7\n"
	    "-     12345\n"
	    "B         -");
}

static void
columns_are_dropped_by_rank(void **state)
{
	(void)state;
	assert_table(2, 3, 11,
	    "name      n\n"
	    "Ann       7\n"
	    "-     12345\n"
	    "B         -");
	assert_table(2, 3, 10, "name\nAnn\n-\nB");
}

static void
bars_take_what_is_left(void **state)
{
	(void)state;
	assert_table(3, 1, 15, "name  n\nAnn   7 ███▌   ");
	assert_table(3, 1, 13, "name  n\nAnn   7");
}

static void
an_empty_column_is_not_shown(void **state)
{
	const struct table_cell whole = {
		&(const struct table){
			.column = columns, .count = 4, .rows = rows + 1,
			.row_count = 1, .row_size = sizeof(*rows),
		}, &columns[3], NULL,
	};

	(void)state;
	assert_false(table_has_text(&whole));
	assert_true(table_has_text(&(const struct table_cell){ whole.table,
	    &columns[1], NULL }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(columns_are_dropped_by_rank),
		cmocka_unit_test(bars_take_what_is_left),
		cmocka_unit_test(an_empty_column_is_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
