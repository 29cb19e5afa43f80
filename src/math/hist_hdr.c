/*
 * The text of HdrHistogram. From the inside out:
 *
 *	counts		zigzag LEB128, 64 bits in at most 9 bytes; a negative
 *			number is that many empty buckets
 *	payload		a head of 40 bytes, big-endian, then the counts
 *	compressed	a cookie, the length of the rest, the payload as a
 *			zlib stream (RFC 1950)
 *	text		base64 of that
 *
 * What is read comes from files that anyone may have written: no length in it
 * is believed, and the payload never grows beyond what a full one needs.
 */
#include "math/hist_hdr.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/base64.h"
#include "base/fail.h"

/* The version of the headers that rpnc was built with. */
#define TEXT_OF(number) #number
#define LIBRARY(major) "libz.so." TEXT_OF(major)

/* Of zlib, which is loaded for such text only. */
static __typeof__(compress) *zlib_compress;
static __typeof__(uncompress2) *zlib_uncompress;

enum {
	PAYLOAD_COOKIE = 0x1c849313,
	COMPRESSED_COOKIE = 0x1c849314,
	DIGITS = 2,			/* 256 buckets, then 128 a row */
	HEAD = 40, COUNT_MOST = 9,
	PAYLOAD_MOST = HEAD + COUNT_MOST * HIST_BUCKETS,
	OUTER_HEAD = 8,
};
/* More than zlib makes of a full payload; see compressBound(). */
enum { OUTER_MOST = OUTER_HEAD + PAYLOAD_MOST + PAYLOAD_MOST / 1000 + 64 };

/* The payload's head: where its fields are. */
enum { AT_COOKIE = 0, AT_LENGTH = 4, AT_OFFSET = 8, AT_DIGITS = 12,
	AT_LOWEST = 16, AT_HIGHEST = 24, AT_RATIO = 32 };
#define RATIO_ONE UINT64_C(0x3ff0000000000000)	/* 1.0 */

static void
hdr_put_number(unsigned char *at, uint64_t value, int bytes)
{
	for (int i = bytes; i-- > 0; value >>= 8)
		at[i] = (unsigned char)value;
}

static uint64_t
hdr_number(const unsigned char *at, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

/* The ninth byte has eight bits of the number, the others have seven. */
static unsigned char *
hdr_put_count(unsigned char *to, int64_t count)
{
	uint64_t n = count < 0 ? ~((uint64_t)count << 1) : (uint64_t)count << 1;
	int i = 1;

	for (; n > 0x7f && i < COUNT_MOST; i++, n >>= 7)
		*to++ = (unsigned char)(0x80 | (n & 0x7f));
	*to++ = (unsigned char)n;
	return to;
}

/* Returns what follows the number, or NULL: there is no whole one. */
static const unsigned char *
hdr_count(const unsigned char *from, const unsigned char *end, int64_t *count)
{
	uint64_t n = 0;

	for (int i = 0; from < end && i < COUNT_MOST; i++) {
		unsigned char byte = *from++;
		bool last = i == COUNT_MOST - 1 || !(byte & 0x80);

		n |= (uint64_t)(i == COUNT_MOST - 1 ? byte : byte & 0x7f) <<
		    7 * i;
		if (!last)
			continue;
		*count = (int64_t)(n >> 1 ^ -(n & 1));
		return from;
	}
	return NULL;
}

static unsigned
empty_run(const struct hist *h, unsigned from, unsigned end)
{
	unsigned i = from;

	while (i < end && !h->buckets[i])
		i++;
	return i - from;
}

static size_t
write_payload(const struct hist *h, unsigned char *payload)
{
	unsigned char *to = payload + HEAD;
	unsigned end = HIST_BUCKETS, run;

	while (end && !h->buckets[end - 1])
		end--;
	for (unsigned i = 0; i < end; i += run ? run : 1) {
		run = empty_run(h, i, end);
		to = hdr_put_count(to, run > 1 ? -(int64_t)run :
		    (int64_t)h->buckets[i]);
	}
	memset(payload, 0, HEAD);
	hdr_put_number(payload + AT_COOKIE, PAYLOAD_COOKIE, 4);
	hdr_put_number(payload + AT_LENGTH, (uint64_t)(to - payload - HEAD), 4);
	hdr_put_number(payload + AT_DIGITS, DIGITS, 4);
	hdr_put_number(payload + AT_LOWEST, 1, 8);
	hdr_put_number(payload + AT_HIGHEST, HIST_MAX, 8);
	hdr_put_number(payload + AT_RATIO, RATIO_ONE, 8);
	return (size_t)(to - payload);
}

static bool
is_head(const unsigned char *payload, size_t length)
{
	return length >= HEAD &&
	    hdr_number(payload + AT_COOKIE, 4) == PAYLOAD_COOKIE &&
	    hdr_number(payload + AT_LENGTH, 4) == length - HEAD &&
	    hdr_number(payload + AT_OFFSET, 4) == 0 &&
	    hdr_number(payload + AT_DIGITS, 4) == DIGITS &&
	    hdr_number(payload + AT_LOWEST, 8) == 1 &&
	    hdr_number(payload + AT_RATIO, 8) == RATIO_ONE;
}

/* Adds a bucket, or passes over -n empty ones; returns the next index, or -1. */
static int64_t
take_count(struct hist *h, int64_t at, int64_t n)
{
	if (n < 0)
		return n >= at - HIST_BUCKETS ? at - n : -1;
	if (at >= HIST_BUCKETS || (uint64_t)n > HIST_COUNT_MAX - h->count)
		return -1;
	h->buckets[at] = (uint64_t)n;
	h->count += (uint64_t)n;
	return at + 1;
}

static int
read_payload(const unsigned char *payload, size_t length, struct hist *h)
{
	const unsigned char *from = payload + HEAD, *end = payload + length;
	int64_t at = 0, n;

	if (!is_head(payload, length))
		return -1;
	while (from < end) {
		from = hdr_count(from, end, &n);
		if (!from || (at = take_count(h, at, n)) < 0)
			return -1;
	}
	return 0;
}

int
hist_hdr_load(void)
{
	void *library, *found;

	if (zlib_compress && zlib_uncompress)
		return 0;
	library = dlopen(LIBRARY(ZLIB_VER_MAJOR), RTLD_NOW);
	found = library ? dlsym(library, "compress") : NULL;
	memcpy(&zlib_compress, &found, sizeof(found));
	found = library ? dlsym(library, "uncompress2") : NULL;
	memcpy(&zlib_uncompress, &found, sizeof(found));
	if (zlib_compress && zlib_uncompress)
		return 0;
	return fail_as(STATUS_NETWORK, "histograms need zlib, but %s", dlerror());
}

static int
read_compressed(const unsigned char *outer, size_t length, struct hist *h)
{
	unsigned char payload[PAYLOAD_MOST];
	uLongf size = sizeof(payload);
	uLong used = length - OUTER_HEAD;

	if (length < OUTER_HEAD ||
	    hdr_number(outer, 4) != COMPRESSED_COOKIE ||
	    hdr_number(outer + 4, 4) != used ||
	    zlib_uncompress(payload, &size, outer + OUTER_HEAD, &used) != Z_OK ||
	    used != length - OUTER_HEAD)
		return -1;
	return read_payload(payload, size, h);
}

bool
hist_hdr_is(const char *text)
{
	static const char start[] = "HISTF";

	return strncmp(text, start, sizeof(start) - 1) == 0;
}

int
hist_hdr_encode(const struct hist *h, char **text)
{
	unsigned char payload[PAYLOAD_MOST], outer[OUTER_MOST];
	size_t length = write_payload(h, payload);
	uLongf size = sizeof(outer) - OUTER_HEAD;

	*text = NULL;
	if (hist_hdr_load() < 0 || zlib_compress(outer + OUTER_HEAD, &size,
	    payload, length) != Z_OK)
		return -1;
	hdr_put_number(outer, COMPRESSED_COOKIE, 4);
	hdr_put_number(outer + 4, size, 4);
	*text = malloc(BASE64_TEXT(OUTER_HEAD + size));
	if (!*text)
		return -1;
	base64(outer, OUTER_HEAD + size, *text);
	return 0;
}

int
hist_hdr_decode(const char *text, struct hist *h)
{
	unsigned char outer[OUTER_MOST + 3];
	size_t length = strnlen(text, BASE64_TEXT(OUTER_MOST));
	ssize_t size = -1;

	hist_init(h);
	if (length < BASE64_TEXT(OUTER_MOST) && hist_hdr_load() == 0)
		size = base64_decode(text, length, outer);
	if (size >= 0 && read_compressed(outer, (size_t)size, h) == 0) {
		hist_estimate(h);
		return 0;
	}
	hist_init(h);
	return -1;
}
