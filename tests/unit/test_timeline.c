#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "probe/stats/timeline.h"

enum { MS = 1000 * 1000, FROM = 7 * MS, FIRST_WIDTH = 50 };

static struct timeline line;
static struct probe_during during;

static int
begin(void **state)
{
	(void)state;
	line = (struct timeline){ .slow_ns = 10 * MS };
	return timeline_begin(&line, FROM);
}

static int
end(void **state)
{
	(void)state;
	timeline_free(&line);
	return 0;
}

/* An attempt that was due at ms, and took took_ms if it was answered. */
static void
add(int64_t ms, enum outcome outcome, int64_t took_ms)
{
	struct attempt_result r = {
		.outcome = outcome, .row = -1, .due = -1, .accepted = -1,
		.started = FROM + ms * MS, .took = took_ms * MS,
	};

	if (outcome == OUT_OK)
		r.answered = r.started + r.took;
	timeline_add(&line, &r);
}

static void
report(void)
{
	assert_int_equal(timeline_report(&line, &during), 0);
}

/* One attempt in each 50 ms: the third is lost, the fourth is slow. */
static void
fill(int intervals)
{
	for (int i = 0; i < intervals; i++)
		add((int64_t)i * FIRST_WIDTH, i % 4 == 2 ? OUT_RESET : OUT_OK,
		    i % 4 == 3 ? 11 + i : 10);
	report();
}

static void
what_is_in_one_interval_is_kept_in_it(void **state)
{
	(void)state;
	fill(TIMELINE_INTERVALS);
	assert_int_equal(during.interval_count, TIMELINE_INTERVALS);
	for (int i = 0; i < TIMELINE_INTERVALS; i++) {
		const struct probe_interval *one = &during.intervals[i];

		assert_float_equal(one->at, i * 0.05, 1e-9);
		assert_int_equal(one->attempts, 1);
		assert_int_equal(one->lost.at[LOSS_RESET], i % 4 == 2);
		assert_int_equal(one->slow, i % 4 == 3);
	}
}

/* Also if their number is odd before they are merged. */
static void
nothing_is_lost_when_intervals_are_merged(void **state)
{
	(void)state;
	for (int n = TIMELINE_INTERVALS + 1; n < 5 * TIMELINE_INTERVALS; n += 7) {
		uint64_t attempts = 0, lost = 0, slow = 0;
		double longest = 0;

		timeline_free(&line);
		assert_int_equal(begin(NULL), 0);
		fill(n);
		for (size_t i = 0; i < during.interval_count; i++) {
			const struct probe_interval *one =
			    &during.intervals[i];

			attempts += one->attempts;
			lost += one->lost.at[LOSS_RESET];
			slow += one->slow;
			if (one->longest > longest)
				longest = one->longest;
		}
		assert_int_equal(attempts, n);
		assert_int_equal(lost, (n + 1) / 4);
		assert_int_equal(lost, during.lost);
		assert_int_equal(slow, n / 4);
		assert_int_equal(slow, during.slow);
		assert_float_equal(longest, (11 + n / 4 * 4 - 1) / 1e3, 1e-9);
	}
}

static void
a_merged_interval_begins_where_its_first_one_did(void **state)
{
	(void)state;
	fill(TIMELINE_INTERVALS + 1);
	assert_float_equal(during.interval, 0.1, 1e-9);
	assert_int_equal(during.interval_count, TIMELINE_INTERVALS / 2 + 1);
	for (int i = 0; i < TIMELINE_INTERVALS / 2; i++) {
		const struct probe_interval *one = &during.intervals[i];

		assert_float_equal(one->at, i * 0.1, 1e-9);
		assert_int_equal(one->attempts, 2);
		assert_int_equal(one->lost.at[LOSS_RESET], i % 2);
		assert_float_equal(one->longest, (i % 2 ? 12 + 2 * i : 10) / 1e3,
		    1e-9);
	}
}

static void
what_rpnc_lacks_is_no_loss(void **state)
{
	static const int own[] = {
		EADDRNOTAVAIL, EADDRINUSE, EMFILE, ENFILE, ENOBUFS, ENOMEM,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		struct attempt_result r = {
			.outcome = OUT_OTHER, .error = own[i], .started = FROM,
		};

		timeline_add(&line, &r);
	}
	report();
	assert_int_equal(during.untried, sizeof(own) / sizeof(*own));
	assert_int_equal(during.lost, 0);
	assert_int_equal(during.interval_count, 0);
}

static void
only_of_a_member_that_left_it_is_known_who_waited(void **state)
{
	const struct row row = { .pid = 42, .name = "B", .waiting = 3 };

	(void)state;
	timeline_change(&line, &row, true);
	timeline_change(&line, &row, false);
	report();
	assert_int_equal(during.change_count, 2);
	assert_string_equal(during.changes[0].kind, "joined");
	assert_int_equal(during.changes[0].waiting, -1);
	assert_string_equal(during.changes[1].kind, "left");
	assert_int_equal(during.changes[1].waiting, 3);
}

/* A client that waits before it sends has no earlier answer. */
static void
the_first_gap_begins_when_an_answer_could_come(void **state)
{
	struct attempt_result r = {
		.outcome = OUT_OK, .started = FROM, .took = 5 * MS,
		.answered = FROM + 25 * MS,
	};

	(void)state;
	timeline_free(&line);
	line = (struct timeline){ .slow_ns = 10 * MS, .hold_ns = 20 * MS };
	assert_int_equal(timeline_begin(&line, FROM), 0);
	timeline_add(&line, &r);
	report();
	assert_float_equal(during.hold, 0.02, 1e-9);
	assert_float_equal(during.longest_gap, 0.005, 1e-9);
	assert_float_equal(during.longest_gap_at, 0.02, 1e-9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_is_in_one_interval_is_kept_in_it, begin, end),
		cmocka_unit_test_setup_teardown(
		    nothing_is_lost_when_intervals_are_merged, begin, end),
		cmocka_unit_test_setup_teardown(
		    a_merged_interval_begins_where_its_first_one_did, begin,
		    end),
		cmocka_unit_test_setup_teardown(what_rpnc_lacks_is_no_loss,
		    begin, end),
		cmocka_unit_test_setup_teardown(
		    the_first_gap_begins_when_an_answer_could_come, begin,
		    end),
		cmocka_unit_test_setup_teardown(
		    only_of_a_member_that_left_it_is_known_who_waited, begin,
		    end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
