#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/member_table.h"
#include "report/scoreboard.h"
#include "report/table.h"

enum { ROWS = 5 };

static const struct member_row rows[ROWS] = {
	{ "A", "rpnc", "running", true, 4100, 1348, 12, 0, 8192, 0, 348,
	    0, 0.25, 0, NULL },
	{ "B", "rpnc", "paused", false, 4242, 33, 0, 331, 8192, 3, 364,
	    331, 0.25, 0, NULL },
	{ "LongestNameThere/127", "rpnc", "running", false, 4194304, 123456789,
	    65000, 0, 8192, 0, 321000, 0, 0.25, 0, NULL },
	{ NULL, "ng\033[2Jinx \xe6\x97\xa5", NULL, false, 777, -1, 5, 0, 511,
	    0, -1, 0, 0.25, 0, NULL },
	{ NULL, "", NULL, false, -1, -1, -1, -1, -1, -1, -1, 0, 0.25, 0, NULL },
};

static const struct member_fairness fairness = {
	.n = 118, .queued = 3, .members = 3, .equal = true, .spread = 13.2,
	.p = 0.57, .verdict = "even",
};

static const double rates[] = { 0, 1, 2, 3, 12.5 };

static struct scoreboard
board_of(size_t count)
{
	return (struct scoreboard){
		.name = "A", .address = "*:9000", .protocol = "tcp",
		.rows = rows, .count = count, .fairness = &fairness,
		.accepted = 118, .open = 12, .queue = 331, .rate = 12.5,
		.rates = rates, .rate_count = 5,
	};
}

static char *
text_of(const struct scoreboard *b, int columns, int lines, bool color)
{
	struct table_style style = { columns, color, false };
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	if (lines < 0)
		scoreboard_text(out, b, &style);
	else
		scoreboard_header(out, b, &style, NULL, lines);
	fclose(out);
	return text;
}

/* The number of lines, none of more than so many cells. */
static int
count_lines(const char *text, int columns)
{
	char *copy = strdup(text), *rest = copy, *line;
	int n = 0;

	while ((line = strsep(&rest, "\n")) && rest) {
		if (table_cells(line) > columns)
			fail_msg("over %d: %s", columns, line);
		n++;
	}
	free(copy);
	return n;
}

static void
the_table_fits_any_width(void **state)
{
	(void)state;
	for (int columns = 56; columns <= 300; columns++) {
		struct scoreboard b = board_of(ROWS);
		struct table_style style = { columns, false, false };
		const struct member_layout layout = {
			.headline = true, .rows = ROWS,
		};
		char *text = NULL;
		size_t length;
		FILE *out = open_memstream(&text, &length);

		member_table(out, &b, &style, &layout);
		fclose(out);
		assert_int_equal(count_lines(text, columns), ROWS + 1);
		free(text);
	}
}

static void
short_names_fit_40(void **state)
{
	struct scoreboard b = board_of(2);
	char *text = text_of(&b, 40, -1, false);

	(void)state;
	assert_non_null(strstr(text, "> A"));
	assert_null(strstr(text, "4242"));
	assert_non_null(strstr(text, "331/8192 paused"));
	assert_non_null(strstr(text, "fair: 39 ± 13 each, p 0.57: even"));
	free(text);
	text = text_of(&b, 40, 10, false);
	count_lines(text, 40);
	free(text);
}

static void
eighty_have_all(void **state)
{
	struct scoreboard b = board_of(2);
	char *text = text_of(&b, 80, -1, false);

	(void)state;
	assert_non_null(strstr(text, "4242 rpnc"));
	assert_non_null(strstr(text, "█"));
	assert_non_null(strstr(text, "drops state"));
	assert_non_null(strstr(text, "fair hashing gives 39 ± 13 each (99 %), "
	    "p 0.57: even"));
	assert_non_null(strstr(text, "115 accepted, 3 queued"));
	assert_int_equal(count_lines(text, 80), 6);
	free(text);
}

static void
what_is_not_known_is_a_dash(void **state)
{
	struct scoreboard b = board_of(ROWS);
	char *text = text_of(&b, 100, -1, false);

	(void)state;
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "777 ng\\e[2Jinx ?"));
	assert_non_null(strstr(text, "3 of 5 members are judged"));
	free(text);
	/* without the column of commands they stand for the names */
	text = text_of(&b, 58, -1, false);
	assert_non_null(strstr(text, "\n  ng\\e[2Jinx ? "));
	free(text);
}

static void
colors_do_not_move_columns(void **state)
{
	struct scoreboard b = board_of(ROWS);
	char *with = text_of(&b, 80, -1, true);
	char *without = text_of(&b, 80, -1, false), *to = with;

	(void)state;
	assert_string_not_equal(with, without);
	for (const char *from = with; *from; from++) {
		if (*from == '\033')
			from = strchr(from, 'm');
		else
			*to++ = *from;
	}
	*to = '\0';
	assert_string_equal(with, without);
	free(with);
	free(without);
}

static void
a_header_has_no_more_lines_than_it_may(void **state)
{
	(void)state;
	for (size_t count = 1; count <= ROWS; count++)
		for (int lines = -1; lines < 20; lines++) {
			struct scoreboard b = board_of(count);
			char *text = text_of(&b, 100, lines < 0 ? 0 : lines,
			    false);
			int n = count_lines(text, 100);

			assert_in_range(n, 0, lines < 0 ? 0 : lines);
			if (lines >= 2)
				assert_in_range(n, 2, 20);
			if (lines >= 5 && (int)count + 3 > lines)
				assert_non_null(strstr(text, " more"));
			if (lines >= (int)count + 4)
				assert_int_equal(n, (int)count + 3);
			free(text);
		}
}

/* With strips, in each size: no line too many, none too wide. */
static void
strips_fit_any_size(void **state)
{
	static struct rate_track track = { .count = RATE_SAMPLES };
	struct member_row tracked[3];

	(void)state;
	for (size_t i = 0; i < RATE_SAMPLES; i++)
		track.samples[i] = (struct rate_sample){
			.rate = (float)(i % 50), .stopped = i % 50 == 0,
		};
	for (size_t i = 0; i < 3; i++) {
		tracked[i] = rows[i];
		tracked[i].track = &track;
	}
	for (int columns = 60; columns <= 300; columns += 20)
		for (int lines = 2; lines < 30; lines++) {
			struct scoreboard b = board_of(3);
			char *text;
			int n;

			b.rows = tracked;
			b.period = 1;
			text = text_of(&b, columns, lines, false);
			n = count_lines(text, columns);
			assert_in_range(n, 2, lines);
			/* title, head, three rows of one or two lines, axis */
			if (lines >= 10)
				assert_non_null(strstr(text, "full height: "
				    "49.0 connections/s"));
			/* strips use all lines */
			if (lines >= 10)
				assert_int_equal(n, lines);
			free(text);
		}
}

static void
a_header_has_a_rate(void **state)
{
	struct scoreboard b = board_of(2);
	char *text = text_of(&b, 80, 10, false);

	(void)state;
	assert_ptr_equal(strstr(text, "A *:9000 tcp  2 members  118 accepted  "
	    "12.5/s   ▁▂▂█\n"), text);
	free(text);
	b.rate = NAN;
	b.steering = "cpu";
	text = text_of(&b, 80, 10, false);
	assert_ptr_equal(strstr(text, "A *:9000 tcp  2 members by cpu  118 "
	    "accepted\n"), text);
	free(text);
	b.steering = "weights A=70,B=20,C=10,LongName=1,LongerName=2";
	b.fairness = NULL;
	b.unjudged = "why it is not judged";
	text = text_of(&b, 80, 10, false);
	assert_ptr_equal(strstr(text, "A *:9000 tcp  2 members  118 accepted"
	    "\n"), text);
	assert_non_null(strstr(text, "\nwhy it is not judged\n"));
	free(text);
	text = text_of(&b, 100, 10, false);
	assert_ptr_equal(strstr(text, "A *:9000 tcp  2 members by weights "
	    "A=70,B=20,C=10,LongName=1,LongerName=2  118 accepted\n"), text);
	free(text);
}

static void
weights_have_a_column(void **state)
{
	struct member_row two[] = { rows[0], rows[1] };
	struct member_fairness f = fairness;
	struct scoreboard b = board_of(2);
	char *text;

	(void)state;
	two[0].expected = 0.9;
	two[1].expected = 0.1;
	f.equal = false;
	b.rows = two;
	b.fairness = &f;
	b.steering = "weights A=90,B=10";
	text = text_of(&b, 80, -1, false);
	assert_non_null(strstr(text, " wanted "));
	assert_non_null(strstr(text, " 90.0 % "));
	assert_non_null(strstr(text, "steering by weights gives what is wanted"
	    " ± 13 (99 %), p 0.57: even"));
	assert_int_equal(count_lines(text, 80), 6);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_fits_any_width),
		cmocka_unit_test(short_names_fit_40),
		cmocka_unit_test(eighty_have_all),
		cmocka_unit_test(what_is_not_known_is_a_dash),
		cmocka_unit_test(colors_do_not_move_columns),
		cmocka_unit_test(a_header_has_no_more_lines_than_it_may),
		cmocka_unit_test(strips_fit_any_size),
		cmocka_unit_test(a_header_has_a_rate),
		cmocka_unit_test(weights_have_a_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
