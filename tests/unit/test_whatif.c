#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "probe/stats/whatif.h"

enum { MOST = 12, HASHES = 27720 * 12 };	/* divided by all of 1 to 12 */

/* Which socket a hash finds when index left n, or none did. */
static int
owner(int hash, int n, int left)
{
	int at;

	if (left < 0)
		return (int)((int64_t)hash * n / HASHES);
	at = (int)((int64_t)hash * (n - 1) / HASHES);
	return at == left ? n - 1 : at;
}

static double
counted(int n, int left)
{
	int moved = 0;

	for (int h = 0; h < HASHES; h++)
		moved += owner(h, n, -1) != owner(h, n, left);
	return (double)moved / HASHES;
}

static void
assert_is(double got, double want, int n, int index)
{
	if (fabs(got - want) > 1e-9)
		fail_msg("%d of %d: %g, not %g", index, n, got, want);
}

static void
test_against_counting(void **state)
{
	(void)state;
	for (int n = 2; n < MOST; n++) {
		for (int i = 0; i < n; i++)
			assert_is(whatif_fraction(n, i), counted(n, i), n, i);
		/* one joins, and the other way round the last one leaves */
		assert_is(whatif_fraction(n, n), counted(n + 1, n), n, n);
	}
}

static void
fill(struct tally *t, const uint64_t *counts, int n)
{
	struct row row = { .worker = -1, .weight = 1 };

	memset(t, 0, sizeof(*t));
	for (int i = 0; i < n; i++) {
		row.name[0] = (char)('A' + i);
		row.pid = 100 + i;
		row.count = counts[i];
		assert_int_equal(tally_name(t, &row), i);
	}
}

static void
test_ranges(void **state)
{
	const uint64_t counts[] = { 400, 350, 250 };
	struct probe_what_if w;
	struct tally t;

	(void)state;
	fill(&t, counts, 3);
	assert_int_equal(whatif_make(&w, &t, "+1"), 0);
	assert_int_equal(w.sockets, 3);
	assert_int_equal(w.flows, 1000);
	assert_true(w.fraction == 0.5 && w.moved == 500 && w.ideal == 0.25);
	/* R: 500 + c(-1, 1) * qnorm(0.995) * sqrt(1000 * 0.5 * 0.5) */
	assert_true(w.low == 459 && w.high == 541);
	assert_int_equal(whatif_make(&w, &t, "-1"), 0);
	assert_true(w.fraction == 0.5 && fabs(w.ideal - 1 / 3.0) < 1e-12);
	/* its 350 in any case; of 650 from a quarter to three quarters, R:
	   650 * 0.25 - qnorm(0.995) * sqrt(650 * 0.25 * 0.75) = 134.06 */
	assert_int_equal(whatif_make(&w, &t, "B"), 0);
	assert_true(isnan(w.fraction) && isnan(w.moved));
	assert_true(w.ideal == 0.35);	/* its own, and no others */
	assert_true(w.low <= 350 + 135 && w.low >= 350);
	assert_true(w.high > 350 + 650 * 0.5 && w.high <= 1000);
	assert_int_equal(whatif_make(&w, &t, "101"), 0);
	assert_true(w.low >= 350);
	assert_int_equal(whatif_make(&w, &t, "D"), -1);
	assert_int_equal(whatif_make(&w, &t, "1"), -1);
	tally_free(&t);
}

static void
test_small_groups(void **state)
{
	const uint64_t counts[] = { 60, 40 };
	struct probe_what_if w;
	struct tally t;

	(void)state;
	fill(&t, counts, 1);
	assert_int_equal(whatif_make(&w, &t, "-1"), -1);
	assert_int_equal(whatif_make(&w, &t, "A"), -1);
	assert_int_equal(whatif_make(&w, &t, "+1"), 0);
	tally_free(&t);
	/* of two, whoever leaves, the other one's flows stay */
	fill(&t, counts, 2);
	assert_int_equal(whatif_make(&w, &t, "A"), 0);
	assert_true(w.low == 60 && w.high == 60);
	t.rows[0].weight = 2;
	assert_int_equal(whatif_make(&w, &t, "A"), -1);
	tally_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_counting),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_small_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
