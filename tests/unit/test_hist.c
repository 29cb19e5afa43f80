#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/hist.h"
#include "spread.h"

enum { SAMPLES = 20000 };

static struct hist a, b, c;
static uint64_t values[SAMPLES];

static double
unit(uint64_t *state)
{
	return ((double)(rnd(state) >> 11) + 0.5) * 0x1p-53;
}

/* The distributions: latencies as they come, and as they never should. */
static uint64_t
sample(int kind, uint64_t *s)
{
	switch (kind) {
	case 0:	return rnd(s) % 300;			/* exact range */
	case 1:	return (uint64_t)(-log(unit(s)) * 5e4);	/* exponential */
	case 2:	return (uint64_t)exp(unit(s) * 29);	/* every magnitude */
	case 3:	return rnd(s) % 50 ? 40000 + rnd(s) % 9000 :
		    200000000 + rnd(s) % 1000000;	/* a stall */
	case 4:	return 123456789;			/* constant */
	default: return rnd(s) >> (rnd(s) % 64);	/* beyond HIST_MAX */
	}
}

static int
by_value(const void *x, const void *y)
{
	uint64_t l = *(const uint64_t *)x, r = *(const uint64_t *)y;

	return l < r ? -1 : l > r;
}

static void
fill(struct hist *h, int kind, int count)
{
	uint64_t state = (uint64_t)kind * 77 + 5;

	hist_init(h);
	for (int i = 0; i < count; i++) {
		values[i] = sample(kind, &state);
		hist_add(h, values[i]);
		if (values[i] > HIST_MAX)
			values[i] = HIST_MAX;
	}
	qsort(values, (size_t)count, sizeof *values, by_value);
}

static void
assert_same(const struct hist *x, const struct hist *y)
{
	assert_memory_equal(x, y, sizeof *x);
}

static void
test_empty(void **state)
{
	(void)state;
	memset(&a, 0xff, sizeof a);
	hist_init(&a);
	memset(&b, 0, sizeof b);
	assert_same(&a, &b);
	assert_int_equal(hist_percentile(&a, 50), 0);
	assert_int_equal(hist_percentile(&a, 100), 0);
	assert_true(hist_mean(&a) == 0);
}

/* One value: whatever is asked, the answer is capped to the true max. */
static void
test_one_value_is_exact(void **state)
{
	static const uint64_t edges[] = {0, 1, 127, 128, 129, 255, 256, 257,
	    511, 512, 1023, 1024, 999999, HIST_MAX - 1, HIST_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
		hist_init(&a);
		hist_add(&a, edges[i]);
		assert_int_equal(a.count, 1);
		assert_int_equal(a.min, edges[i]);
		assert_int_equal(a.max, edges[i]);
		assert_int_equal(a.sum, edges[i]);
		assert_int_equal(hist_percentile(&a, 0), edges[i]);
		assert_int_equal(hist_percentile(&a, 50), edges[i]);
		assert_int_equal(hist_percentile(&a, 100), edges[i]);
		assert_true(hist_mean(&a) == (double)edges[i]);
	}
}

static void
test_above_the_range_counts_as_its_end(void **state)
{
	(void)state;
	hist_init(&a);
	hist_init(&b);
	hist_add(&a, HIST_MAX + 1);
	hist_add(&a, UINT64_MAX);
	hist_add(&b, HIST_MAX);
	hist_add(&b, HIST_MAX);
	assert_same(&a, &b);
	assert_int_equal(a.buckets[HIST_BUCKETS - 1], 2);
	assert_int_equal(a.max, HIST_MAX);
}

/* Every bucket begins where the last one ended, and is narrow enough. */
static void
test_buckets_cover_the_range(void **state)
{
	uint64_t low = 0, high;
	char text[64];

	(void)state;
	for (int i = 0; i < HIST_BUCKETS; i++) {
		hist_init(&a);
		hist_add(&a, low);
		assert_int_equal(a.buckets[i], 1);
		hist_add(&a, HIST_MAX);
		high = hist_percentile(&a, 50);
		assert_true(high >= low && (high - low) * 128 <= low);
		hist_add(&a, high);
		assert_int_equal(a.buckets[i], i == HIST_BUCKETS - 1 ? 3 : 2);
		snprintf(text, sizeof text, "1/7;%" PRIu64 ";%" PRIu64
		    ";%" PRIu64 ";%d:1", low, low, low, i);
		assert_int_equal(hist_decode(text, &b), 0);
		low = high + 1;
	}
	assert_true(low == HIST_MAX + 1);
}

/* The definition, on the sorted samples, in whole numbers: p = part / 1000. */
static uint64_t
true_percentile(uint64_t part, uint64_t count)
{
	uint64_t rank = (part * count + 99999) / 100000;

	return values[rank ? rank - 1 : 0];
}

static void
test_percentiles_against_sorted_samples(void **state)
{
	static const int counts[] = {1, 2, 3, 10, 99, 100, 101, 1000, SAMPLES};
	uint64_t truth, got;

	(void)state;
	for (int kind = 0; kind < 6; kind++)
		for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
			fill(&a, kind, counts[n]);
			for (uint64_t part = 0; part <= 100000; part += 20) {
				truth = true_percentile(part,
				    (uint64_t)counts[n]);
				got = hist_percentile(&a, (double)part / 1000);
				assert_true(got >= truth && got <= a.max);
				assert_true(got - truth <= truth / 128);
			}
		}
}

/* In doubles 99.9 / 100 * 1000 is a little over 999. */
static void
test_percentile_ranks_are_exact(void **state)
{
	(void)state;
	hist_init(&a);
	for (int i = 0; i < 999; i++)
		hist_add(&a, 1);
	hist_add(&a, 100);
	assert_int_equal(hist_percentile(&a, 99.9), 1);
	assert_int_equal(hist_percentile(&a, 99.900001), 100);
	assert_int_equal(hist_percentile(&a, 100), 100);
	hist_init(&a);
	for (uint64_t i = 0; i < 200; i++)
		hist_add(&a, i);
	for (int p = 1; p <= 100; p++)
		assert_int_equal(hist_percentile(&a, p), 2 * p - 1);
	assert_int_equal(hist_percentile(&a, -1), 0);
	assert_int_equal(hist_percentile(&a, NAN), 0);
	assert_int_equal(hist_percentile(&a, 200), 199);
	assert_int_equal(hist_percentile(&a, INFINITY), 199);
}

static void
test_min_max_mean(void **state)
{
	uint64_t sum = 0;

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		fill(&a, kind, SAMPLES);
		sum = 0;
		for (int i = 0; i < SAMPLES; i++)
			sum += values[i];
		assert_int_equal(a.count, SAMPLES);
		assert_int_equal(a.sum, sum);
		assert_int_equal(a.min, values[0]);
		assert_int_equal(a.max, values[SAMPLES - 1]);
		assert_true(hist_mean(&a) == (double)sum / SAMPLES);
	}
}

static void
test_merge_equals_all_in_one(void **state)
{
	static struct hist part[3];
	uint64_t s = 99, v;

	(void)state;
	hist_init(&a);
	for (int i = 0; i < 3; i++)
		hist_init(&part[i]);
	for (int i = 0; i < SAMPLES; i++) {
		v = sample(i % 6, &s);
		hist_add(&a, v);
		hist_add(&part[rnd(&s) % 2], v);	/* the third is empty */
	}
	hist_init(&b);
	hist_init(&c);
	for (int i = 0; i < 3; i++) {
		hist_merge(&b, &part[i]);
		hist_merge(&c, &part[2 - i]);
	}
	assert_same(&a, &b);
	assert_same(&a, &c);
	hist_merge(&b, &b);
	assert_int_equal(b.count, 2 * a.count);
	assert_int_equal(b.sum, 2 * a.sum);
}

/* A member killed between two stores leaves one sample half counted. */
static void
test_merge_mends_a_torn_sample(void **state)
{
	(void)state;
	fill(&a, 1, 1000);
	b = a;
	hist_add(&b, HIST_MAX);
	b.buckets[HIST_BUCKETS - 1] = 0;
	b.count--;
	hist_init(&c);
	hist_merge(&c, &b);
	assert_int_equal(c.count, 1000);
	assert_true(c.max >= a.max && c.max - a.max <= a.max / 128);
	assert_true(fabs(hist_mean(&c) - hist_mean(&a)) <=
	    hist_mean(&a) / 128);
	hist_init(&b);
	b.min = b.max = b.sum = 7;
	hist_merge(&c, &b);
	assert_int_equal(c.count, 1000);
	assert_int_equal(c.min, a.min);
	hist_init(&b);
	hist_add(&b, 1000000);
	b.min = 0;
	hist_init(&c);
	hist_merge(&c, &b);
	assert_in_range(c.min, 1000000 - 1000000 / 128, 1000000);
}

/* What the first form of reports had: hist_decode() must always read it. */
static char *
old_text(const struct hist *h)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const char *comma = "";

	assert_non_null(out);
	fprintf(out, "1/7;%" PRIu64 ";%" PRIu64 ";%" PRIu64 ";", h->min,
	    h->max, h->sum);
	for (int i = 0, last; i < HIST_BUCKETS; i = last + 1) {
		for (last = i; last + 1 < HIST_BUCKETS &&
		    h->buckets[last + 1] == h->buckets[i];)
			last++;
		if (!h->buckets[i])
			continue;
		fprintf(out, "%s%d", comma, i);
		if (last > i)
			fprintf(out, "-%d", last);
		fprintf(out, ":%" PRIu64, h->buckets[i]);
		comma = ",";
	}
	assert_int_equal(fclose(out), 0);
	return text;
}

static void
test_decode(void **state)
{
	char *text;

	(void)state;
	hist_init(&a);
	for (uint64_t i = 3; i < 6; i++)
		hist_add(&a, i);
	for (int i = 0; i < 10; i++)
		hist_add(&a, 300);
	assert_int_equal(hist_decode("1/7;3;300;3012;3-5:1,278:10", &b), 0);
	assert_same(&a, &b);
	for (int kind = -1; kind < 6; kind++) {
		fill(&a, kind < 0 ? 0 : kind, kind < 0 ? 0 : SAMPLES);
		text = old_text(&a);
		memset(&b, 0xff, sizeof b);
		assert_int_equal(hist_decode(text, &b), 0);
		assert_same(&a, &b);
		free(text);
	}
}

/* Buckets alone: the bounds are near, and the exact values can be set. */
static void
test_estimate_and_refine(void **state)
{
	(void)state;
	for (int kind = 0; kind < 6; kind++) {
		fill(&a, kind, SAMPLES);
		b = a;
		hist_estimate(&b);
		assert_true(b.min <= a.min && a.min - b.min <= a.min / 128);
		assert_true(b.max >= a.max && b.max - a.max <= a.max / 128);
		assert_true(fabs(hist_mean(&b) - hist_mean(&a)) <=
		    hist_mean(&a) / 128);
		c = b;
		assert_int_equal(hist_refine(&b, a.max + a.max / 64 + 2, a.max,
		    a.sum), -1);
		assert_int_equal(hist_refine(&b, a.min, a.max, 0), -1);
		assert_same(&b, &c);
		assert_int_equal(hist_refine(&b, a.min, a.max, a.sum), 0);
		assert_same(&a, &b);
	}
	hist_init(&b);
	hist_estimate(&b);
	hist_init(&a);
	assert_same(&a, &b);
	assert_int_equal(hist_refine(&b, 0, 0, 0), 0);
	assert_int_equal(hist_refine(&b, 0, 1, 0), -1);
}

static void
test_decode_rejects(void **state)
{
	static const char *const bad[] = {
		"", "1", "1/7", "1/7;", "1/7;0;0;0", "0/7;0;0;0;",
		"2/7;0;0;0;", "1/6;0;0;0;", "1/8;3;3;3;3:1", /* another bits */
		"1/7;3;3;3;", "1/7;0;0;1;", /* nothing, but values */
		"1/7;3;3;3;3", "1/7;3;3;3;3:", "1/7;3;3;3;:1", "1/7;3;3;3;3:0",
		"1/7;3;3;3;3:1,", "1/7;3;3;3;,3:1", "1/7;3;3;3;3:1 ",
		"1/7;3;3;3; 3:1", "1/7;3;3;3;+3:1", "1/7;3;3;3;3:-1",
		"1/7;3;3;3;3:1;", "1/7;3;3;3;3:1x", "1/7;3;3;3;3:01",
		"1/7;03;3;3;3:1", "1/7;3;3;3;3-:1", "1/7;3;3;3;3-2:1",
		"1/7;3;4;7;4:1,3:1", "1/7;3;3;6;3:1,3:1", /* order, twice */
		"1/7;3;5;16;3-5:1,4:1",				/* overlap */
		"1/7;2;3;3;3:1", "1/7;3;4;3;3:1", "1/7;4;3;3;3:1",
		"1/7;3;3;4;3:1", "1/7;3;3;2;3:1", /* no such sum */
		"1/7;301;300;300;278:1",			/* min > max */
		"1/7;0;4398046511103;0;4608:1", "1/7;0;0;0;0-4608:1",
		"1/7;0;0;0;18446744073709551616:1",
		"1/7;0;0;0;0:9007199254740993",			/* 2^53 + 1 */
		"1/7;0;1;9007199254740992;0-1:9007199254740992",
		"1/7;0;0;0;0:18446744073709551617",
		"1/7;3;3;18446744073709551619;3:1",		/* 2^64 + 3 */
		"1/7;8;8;36893488147419103240;8:1",
		"1/7;;;;", "1/7;0;0;0;0:0", "1/7;3;3;3;3:1,9:0",
		"1/7;3;3;3;3:1,9-8:1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		memset(&a, 0xff, sizeof a);
		if (hist_decode(bad[i], &a) != -1)
			fail_msg("accepted: %s", bad[i]);
		hist_init(&b);
		assert_same(&a, &b);
	}
	assert_int_equal(hist_decode("1/7;3;4;7;3:1,4:1", &a), 0);
	assert_int_equal(hist_decode("1/7;0;0;0;0:9007199254740992", &a), 0);
}

/* Damaged text never does harm, and what is accepted says itself again. */
static void
test_decode_damaged(void **state)
{
	char *text, *copy;
	uint64_t s = 4;
	size_t len;

	(void)state;
	fill(&a, 1, 300);
	text = old_text(&a);
	len = strlen(text);
	copy = malloc(len + 1);
	assert_non_null(copy);
	for (int i = 0; i < 20000; i++) {
		memcpy(copy, text, len + 1);
		for (uint64_t n = rnd(&s) % 3; n < 3; n++)
			copy[rnd(&s) % len] = "0123456789-:,;/x"[rnd(&s) % 16];
		copy[rnd(&s) % 4 ? len : rnd(&s) % len] = 0;
		if (hist_decode(copy, &b) == 0) {
			hist_init(&c);
			hist_merge(&c, &b);
			assert_same(&b, &c);
		}
	}
	free(copy);
	free(text);
}

static void
test_quantiles_need_samples(void **state)
{
	static const struct { double p; uint64_t needed; } rows[] = {
		{ 50, 1 }, { 90, 100 }, { 99, 1000 }, { 99.9, 10000 },
		{ 100, 1 },
	};
	struct hist h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(hist_needed(rows[i].p), rows[i].needed);
		hist_init(&h);
		for (uint64_t n = 1; n < rows[i].needed; n++)
			hist_add(&h, 7);
		assert_true(isnan(hist_quantile(&h, rows[i].p)) ||
		    rows[i].needed == 1);
		hist_add(&h, 7);
		assert_float_equal(hist_quantile(&h, rows[i].p), 7, 0);
	}
}

/* 1000 to 1003 have one bucket, which counts once all of it is below. */
static void
test_count_to_counts_whole_buckets(void **state)
{
	struct hist h;

	(void)state;
	hist_init(&h);
	hist_add(&h, 1000);
	hist_add(&h, 1004);
	hist_add(&h, 5000);
	assert_int_equal(hist_count_to(&h, 999), 0);
	assert_int_equal(hist_count_to(&h, 1002), 0);
	assert_int_equal(hist_count_to(&h, 1003), 1);
	assert_int_equal(hist_count_to(&h, 1007), 2);
	assert_int_equal(hist_count_to(&h, 4999), 2);
	assert_int_equal(hist_count_to(&h, 5000), 3);
	assert_int_equal(hist_count_to(&h, UINT64_MAX), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_one_value_is_exact),
		cmocka_unit_test(test_above_the_range_counts_as_its_end),
		cmocka_unit_test(test_buckets_cover_the_range),
		cmocka_unit_test(test_percentiles_against_sorted_samples),
		cmocka_unit_test(test_percentile_ranks_are_exact),
		cmocka_unit_test(test_quantiles_need_samples),
		cmocka_unit_test(test_count_to_counts_whole_buckets),
		cmocka_unit_test(test_min_max_mean),
		cmocka_unit_test(test_merge_equals_all_in_one),
		cmocka_unit_test(test_merge_mends_a_torn_sample),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_estimate_and_refine),
		cmocka_unit_test(test_decode_rejects),
		cmocka_unit_test(test_decode_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
