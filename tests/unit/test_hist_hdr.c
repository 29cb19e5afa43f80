#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/base64.h"
#include "math/hist_hdr.h"
#include "spread.h"

/*
 * Counts as hdr-histogram-js 3.0.1 writes them, for 2 digits and values up to
 * 2^42 - 1: of 3, 4, 5 and ten times 300; and of 0, 1000000 and twice 2^42 - 1.
 */
static const unsigned char foreign[][7] = {
	{ 0x05, 0x02, 0x02, 0x02, 0x9f, 0x04, 0x14 },
	{ 0x02, 0xe5, 0x1b, 0x02, 0x93, 0x2c, 0x04 },
};

enum { PAYLOAD = 100000, SAMPLES = 5000 };

static struct hist a, b;

static void
assert_same(const struct hist *x, const struct hist *y)
{
	assert_memory_equal(x, y, sizeof *x);
}

static void
fill(int kind)
{
	uint64_t s = (uint64_t)kind;

	hist_init(&a);
	for (int i = 0; i < SAMPLES; i++)
		hist_add(&a, kind < 2 ? rnd(&s) >> (rnd(&s) % 64) :
		    kind == 2 ? 123456789 : 40000 + rnd(&s) % 9000);
}

/* The text of a payload, with these cookie and length. */
static char *
text_of(const unsigned char *payload, size_t length, uint32_t cookie, long more)
{
	static unsigned char outer[PAYLOAD * 2];
	static char text[BASE64_TEXT(sizeof outer)];
	uLongf size = sizeof outer - 8;

	assert_int_equal(compress(outer + 8, &size, payload, length), Z_OK);
	for (int i = 0; i < 4; i++) {
		outer[i] = (unsigned char)(cookie >> (24 - 8 * i));
		outer[4 + i] = (unsigned char)(((long)size + more) >>
		    (24 - 8 * i));
	}
	base64(outer, size + 8, text);
	return text;
}

/* A head, whose length field is that of the counts behind it. */
static size_t
payload_make(unsigned char *out, const unsigned char *counts, size_t length)
{
	static const unsigned char head[40] = {
		0x1c, 0x84, 0x93, 0x13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
		0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 3, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x3f, 0xf0,
	};

	memcpy(out, head, sizeof head);
	out[6] = (unsigned char)(length >> 8);
	out[7] = (unsigned char)length;
	memcpy(out + sizeof head, counts, length);
	return sizeof head + length;
}

static int
decode(const unsigned char *payload, size_t length)
{
	return hist_hdr_decode(text_of(payload, length, 0x1c849314, 0), &b);
}

static void
test_foreign(void **state)
{
	static unsigned char payload[64], raw[256];
	unsigned char ours[64];
	uLongf size = sizeof ours;
	size_t length;
	char *text;

	(void)state;
	hist_init(&a);
	for (uint64_t i = 3; i < 6; i++)
		hist_add(&a, i);
	for (int i = 0; i < 10; i++)
		hist_add(&a, 300);
	for (int i = 0; i < 2; i++) {
		length = payload_make(payload, foreign[i], 7);
		assert_int_equal(decode(payload, length), 0);
		assert_int_equal(hist_refine(&b, a.min, a.max, a.sum), 0);
		assert_same(&a, &b);
		assert_int_equal(hist_hdr_encode(&a, &text), 0);
		assert_true(hist_hdr_is(text));
		assert_memory_equal(text, "HISTFAAAA", 9);
		base64_decode(text, strlen(text), raw);
		assert_int_equal(uncompress(ours, &size, raw + 8, 200), Z_OK);
		assert_int_equal(size, length);
		assert_memory_equal(ours, payload, length);
		free(text);
		hist_init(&a);
		hist_add(&a, 0);
		hist_add(&a, 1000000);
		hist_add(&a, HIST_MAX);
		hist_add(&a, HIST_MAX);
	}
	assert_false(hist_hdr_is("1/7;0;0;0;"));
	assert_false(hist_hdr_is(""));
}

static void
test_round_trip(void **state)
{
	char *text;

	(void)state;
	for (int kind = -1; kind < 4; kind++) {
		fill(kind < 0 ? 0 : kind);
		if (kind < 0)
			hist_init(&a);
		assert_int_equal(hist_hdr_encode(&a, &text), 0);
		memset(&b, 0xff, sizeof b);
		assert_int_equal(hist_hdr_decode(text, &b), 0);
		assert_int_equal(b.count, a.count);
		assert_int_equal(hist_refine(&b, a.min, a.max, a.sum), 0);
		assert_same(&a, &b);
		free(text);
	}
}

/* Counts of every length, the largest one of the nine bytes. */
static void
test_counts(void **state)
{
	char *text;

	(void)state;
	for (uint64_t n = 1; n <= HIST_COUNT_MAX; n *= 2) {
		hist_init(&a);
		a.buckets[0] = n == HIST_COUNT_MAX ? n : n - 1;
		a.buckets[HIST_BUCKETS - 1] = n == HIST_COUNT_MAX ? 0 : 1;
		hist_estimate(&a);
		assert_int_equal(hist_hdr_encode(&a, &text), 0);
		assert_int_equal(hist_hdr_decode(text, &b), 0);
		assert_same(&a, &b);
		free(text);
	}
	/* a full one is the longest text */
	hist_init(&a);
	for (int i = 0; i < HIST_BUCKETS; i++)
		a.buckets[i] = (UINT64_C(1) << 40) + (uint64_t)i * 7919;
	hist_estimate(&a);
	assert_int_equal(hist_hdr_encode(&a, &text), 0);
	assert_int_equal(hist_hdr_decode(text, &b), 0);
	assert_same(&a, &b);
	free(text);
}

static void
test_rejects_payload(void **state)
{
	static const struct { unsigned char bytes[24]; size_t length; } bad[] = {
		{ { 0x80 }, 1 },		/* not whole */
		{ { 0x82, 0x80 }, 2 },
		{ { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80 }, 8 },
		{ { 0xff, 0x47, 2, 2 }, 4 },	/* 4608 empty ones, and two */
		{ { 0x81, 0x48, 2 }, 3 },	/* 4609 empty ones, and one */
		/* over 2^53, and the most negative number */
		{ { 0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20 }, 8 },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 9 },
		{ { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 9 },
	};
	static const struct { int at; unsigned char byte; } heads[] = {
		{ 0, 0 }, { 3, 3 }, { 7, 2 }, { 4, 1 }, { 11, 1 }, { 15, 3 },
		{ 15, 1 }, { 23, 2 }, { 16, 1 }, { 32, 0x40 }, { 39, 1 },
	};
	static unsigned char payload[PAYLOAD];
	const unsigned char one = 2;
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		length = payload_make(payload, bad[i].bytes, bad[i].length);
		if (decode(payload, length) != -1)
			fail_msg("counts %zu accepted", i);
		hist_init(&a);
		assert_same(&a, &b);
	}
	length = payload_make(payload, &one, 1);
	assert_int_equal(decode(payload, length), 0);
	assert_int_equal(b.count, 1);
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		length = payload_make(payload, &one, 1);
		payload[heads[i].at] = heads[i].byte;
		if (decode(payload, length) != -1)
			fail_msg("head %zu accepted", i);
	}
	assert_int_equal(decode(payload, 39), -1);
	assert_int_equal(decode(payload, 0), -1);
	/* bytes that compress well: more than any histogram has */
	memset(payload, 0, sizeof payload);
	payload_make(payload, &one, 1);
	assert_int_equal(decode(payload, sizeof payload), -1);
}

static void
test_rejects_text(void **state)
{
	static unsigned char payload[64], outer[128];
	const unsigned char one = 2;
	size_t length = payload_make(payload, &one, 1);
	char *text, *longer;
	ssize_t size;

	(void)state;
	assert_int_equal(hist_hdr_decode(text_of(payload, length, 0x1c849304,
	    0), &b), -1);
	assert_int_equal(hist_hdr_decode(text_of(payload, length, 0x1c849314,
	    1), &b), -1);
	assert_int_equal(hist_hdr_decode(text_of(payload, length, 0x1c849314,
	    -1), &b), -1);
	assert_int_equal(hist_hdr_decode("", &b), -1);
	assert_int_equal(hist_hdr_decode("HISTFAAAA", &b), -1);
	assert_int_equal(hist_hdr_decode("HISTFAAAAAA=", &b), -1);
	text = text_of(payload, length, 0x1c849314, 0);
	assert_int_equal(hist_hdr_decode(text, &b), 0);
	/* something behind the end of the stream */
	size = base64_decode(text, strlen(text), outer);
	outer[7]++;
	base64(outer, (size_t)size + 1, text);
	assert_int_equal(hist_hdr_decode(text, &b), -1);
	longer = malloc(1 << 20);
	assert_non_null(longer);
	memset(longer, 'A', (1 << 20) - 1);
	longer[(1 << 20) - 1] = 0;
	memcpy(longer, "HISTF", 5);
	assert_int_equal(hist_hdr_decode(longer, &b), -1);
	free(longer);
}

/* Damaged text never does harm, and what is accepted says itself again. */
static void
test_damaged(void **state)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
	    "mnopqrstuvwxyz0123456789+/=";
	static unsigned char payload[PAYLOAD], outer[PAYLOAD];
	char *text, *copy;
	uint64_t s = 4;
	uLongf size = sizeof payload;
	size_t length;
	ssize_t raw;

	(void)state;
	fill(3);
	assert_int_equal(hist_hdr_encode(&a, &text), 0);
	length = strlen(text);
	copy = malloc(length + 1);
	assert_non_null(copy);
	for (int i = 0; i < 3000; i++) {
		memcpy(copy, text, length + 1);
		copy[rnd(&s) % length] = digits[rnd(&s) % 65];
		copy[rnd(&s) % 4 ? length : rnd(&s) % length] = 0;
		hist_hdr_decode(copy, &b);
	}
	/* the same inside the stream, whose checksum is right */
	raw = base64_decode(text, length, outer);
	assert_int_equal(uncompress(payload, &size, outer + 8, (uLong)raw - 8),
	    Z_OK);
	for (int i = 0; i < 3000; i++) {
		size_t at = 40 + rnd(&s) % (size - 40);
		unsigned char was = payload[at];

		payload[at] = (unsigned char)rnd(&s);
		if (decode(payload, size) == 0)
			assert_int_equal(hist_refine(&b, b.min, b.max, b.sum),
			    0);
		payload[at] = was;
	}
	free(copy);
	free(text);
}

/* RFC 4648 section 10, both ways; what is no canonical text is refused. */
static void
test_base64(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
	};
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zh==", "Zm9=",
		"====", "Z===", "=Zg=", "Zg==Zg==", "Zm8=Zg==", "Zm 8", "Zm-_",
		"Zm8\n", "Z=g=" };
	char text[BASE64_TEXT(6)], out[16];

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		size_t n = strlen(pairs[i][0]);

		assert_int_equal(base64(pairs[i][0], n, text),
		    strlen(pairs[i][1]));
		assert_string_equal(text, pairs[i][1]);
		assert_int_equal(base64_decode(text, strlen(text), out), n);
		assert_memory_equal(out, pairs[i][0], n);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (base64_decode(bad[i], strlen(bad[i]), out) != -1)
			fail_msg("accepted: %s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_rejects_payload),
		cmocka_unit_test(test_rejects_text),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
