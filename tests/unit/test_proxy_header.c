#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "net/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xcb\x00\x71\x07\xc0\x00\x02\x01\x12\x67\x01\xbb"
/* The bytes of a literal, without its 0. */
#define BYTES(text) (text), sizeof(text) - 1
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct sample {
	const char *bytes;
	size_t length;
	const char *from, *to;		/* NULL: the connection's own */
};

/* The first three are the examples of proxy-protocol.txt. */
static const struct sample good[] = {
	{ BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
	    "255.255.255.255:65535", "255.255.255.255:65535" },
	{ BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" },
	{ BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	    NULL, NULL },
	{ BYTES("PROXY UNKNOWN\r\n"), NULL, NULL },
	{ BYTES("PROXY UNKNOWN  any \x01\xff words \r\n"), NULL, NULL },
	{ BYTES("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), "0.0.0.0:0",
	    "0.0.0.0:0" },
	{ BYTES("PROXY TCP6 :: ::1 1 2\r\n"), "[::]:1", "[::1]:2" },
	{ BYTES(SIGNATURE "\x21\x11\0\x0c" V4), "203.0.113.7:4711",
	    "192.0.2.1:443" },
	{ BYTES(SIGNATURE "\x21\x12\0\x0c" V4), "203.0.113.7:4711",
	    "192.0.2.1:443" },
	{ BYTES(SIGNATURE "\x21\x21\0\x24"
	    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x67\x01\xbb"),
	    "[2001:db8::7]:4711", "[::1]:443" },
	{ BYTES(SIGNATURE "\x21\x22\0\x24"
	    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x67\x01\xbb"),
	    "[2001:db8::7]:4711", "[::1]:443" },
	/* TLVs: an empty NOOP, and a name */
	{ BYTES(SIGNATURE "\x21\x11\0\x17" V4 "\x04\0\0\x02\0\x05" "a.net"),
	    "203.0.113.7:4711", "192.0.2.1:443" },
	/* LOCAL, also with what would be bad in a PROXY command */
	{ BYTES(SIGNATURE "\x20\0\0\0"), NULL, NULL },
	{ BYTES(SIGNATURE "\x20\x11\0\x0c" V4), NULL, NULL },
	{ BYTES(SIGNATURE "\x20\xff\0\x03\x01\xff\xff"), NULL, NULL },
	/* AF_UNSPEC, and no protocol */
	{ BYTES(SIGNATURE "\x21\0\0\0"), NULL, NULL },
	{ BYTES(SIGNATURE "\x21\0\0\x02zz"), NULL, NULL },
	{ BYTES(SIGNATURE "\x21\x10\0\x0c" V4), NULL, NULL },
};

static const struct sample bad[] = {
	{ BYTES("GET / HTTP/1.1\r\n\r\n"), NULL, NULL },
	{ BYTES("\0"), NULL, NULL },
	{ BYTES("PROXy TCP4 1.2.3.4 1.2.3.4 1 1\r\n"), NULL, NULL },
	{ BYTES("PROXY\r\n"), NULL, NULL },
	{ BYTES("PROXY \r\n"), NULL, NULL },
	{ BYTES("PROXY \n"), NULL, NULL },
	{ BYTES("PROXY TCP4\r\n"), NULL, NULL },
	{ BYTES("PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n"), NULL, NULL },
	{ BYTES("PROXY UNKNOWNS\r\n"), NULL, NULL },
	{ BYTES("PROXY UNKNOWN\n"), NULL, NULL },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n"), NULL, NULL },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"), NULL, NULL },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n"), NULL, NULL },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n"), NULL, NULL },
	{ BYTES("PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n"), NULL, NULL },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n"), NULL, NULL },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 123456\r\n"), NULL, NULL },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n"), NULL, NULL },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 x\r\n"), NULL, NULL },
	{ BYTES("PROXY TCP4 1.2.3.4\0 1.2.3.4 1 1\r\n"), NULL, NULL },
	{ BYTES("PROXY TCP4 01.2.3.4 1.2.3.4 1 1\r\n"), NULL, NULL },
	{ BYTES("PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n"), NULL, NULL },
	{ BYTES("PROXY TCP4 ::1 ::1 1 1\r\n"), NULL, NULL },
	{ BYTES("PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n"), NULL, NULL },
	{ BYTES("PROXY TCP6 fe80::1%lo ::1 1 1\r\n"), NULL, NULL },
	{ BYTES("\r\n\r\n\0\r\nQUIT\r"), NULL, NULL },
	{ BYTES("\r\n\r\nGET"), NULL, NULL },
	{ BYTES(SIGNATURE "\x11"), NULL, NULL },
	{ BYTES(SIGNATURE "\x31"), NULL, NULL },
	{ BYTES(SIGNATURE "\x22"), NULL, NULL },
	{ BYTES(SIGNATURE "\x21\x41"), NULL, NULL },
	{ BYTES(SIGNATURE "\x21\x13"), NULL, NULL },
	{ BYTES(SIGNATURE "\x21\x11\0\x0b"), NULL, NULL },
	{ BYTES(SIGNATURE "\x21\x21\0\x23"), NULL, NULL },
	{ BYTES(SIGNATURE "\x21\x31\0\xd7"), NULL, NULL },
	/* TLVs: two bytes, and one that is too long by one */
	{ BYTES(SIGNATURE "\x21\x11\0\x0e" V4 "\x04\0"), NULL, NULL },
	{ BYTES(SIGNATURE "\x21\x11\0\x10" V4 "\x04\0\x02z"), NULL, NULL },
};

/* Parses a copy of exactly these bytes, so that a sanitizer sees more. */
static enum proxy_state
parse(const char *bytes, size_t length, struct proxy_header *h)
{
	char *copy = malloc(length ? length : 1);
	enum proxy_state state;

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	state = proxy_header_parse(copy, length, h);
	free(copy);
	return state;
}

/* Copies a literal without its 0. */
static void
put(char *at, const char *bytes, size_t length)
{
	memcpy(at, bytes, length);
}

static void
assert_address(const struct addr *a, const char *text)
{
	char room[ADDR_TEXT];

	if (text)
		assert_string_equal(addr_text(a, room), text);
	else
		assert_int_equal(a->len, 0);
}

static void
a_header_is_read_and_what_follows_is_left(void **state)
{
	static const char payload[] = "PROXY \r\n\0\n";
	char bytes[512];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct proxy_header h;

		memcpy(bytes, good[i].bytes, good[i].length);
		memcpy(bytes + good[i].length, payload, sizeof(payload));
		for (size_t more = 0; more <= sizeof(payload); more++) {
			assert_int_equal(parse(bytes, good[i].length + more,
			    &h), PROXY_DONE);
			assert_int_equal(h.length, good[i].length);
			assert_address(&h.from, good[i].from);
			assert_address(&h.to, good[i].to);
		}
	}
}

static void
a_part_of_a_header_wants_more(void **state)
{
	struct proxy_header h;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		for (size_t n = 0; n < good[i].length; n++)
			assert_int_equal(parse(good[i].bytes, n, &h),
			    PROXY_MORE);
}

static void
a_bad_header_is_refused_with_a_reason(void **state)
{
	struct proxy_header h;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(parse(bad[i].bytes, bad[i].length, &h),
		    PROXY_BAD);
		assert_non_null(h.why);
		assert_int_equal(h.from.len, 0);
		for (size_t n = 0; n < bad[i].length; n++)
			assert_int_not_equal(parse(bad[i].bytes, n, &h),
			    PROXY_DONE);
	}
}

static void
a_line_ends_within_107_bytes(void **state)
{
	char line[PROXY_V1_MAX + 2];
	struct proxy_header h;

	(void)state;
	memset(line, 'x', sizeof(line));
	put(line, "PROXY UNKNOWN ", 14);
	assert_int_equal(parse(line, PROXY_V1_MAX - 1, &h), PROXY_MORE);
	assert_int_equal(parse(line, PROXY_V1_MAX, &h), PROXY_BAD);
	put(line + PROXY_V1_MAX - 1, "\r\n", 2);
	assert_int_equal(parse(line, PROXY_V1_MAX + 1, &h), PROXY_BAD);
	put(line + PROXY_V1_MAX - 2, "\r\n", 2);
	assert_int_equal(parse(line, PROXY_V1_MAX, &h), PROXY_DONE);
	assert_int_equal(h.length, PROXY_V1_MAX);
}

static void
the_longest_version_2_header_is_64_kib_of_tlvs(void **state)
{
	static char bytes[PROXY_V2_MAX + 1];
	struct proxy_header h;

	(void)state;
	put(bytes, SIGNATURE "\x21\x11\xff\xff" V4, 28);
	/* one TLV with all that is left: 65535 - 12 - 3 */
	put(bytes + 28, "\xee\xff\xf0", 3);
	assert_int_equal(parse(bytes, PROXY_V2_MAX - 1, &h), PROXY_MORE);
	assert_int_equal(parse(bytes, PROXY_V2_MAX + 1, &h), PROXY_DONE);
	assert_int_equal(h.length, PROXY_V2_MAX);
	bytes[30] = '\xf1';
	assert_int_equal(parse(bytes, PROXY_V2_MAX, &h), PROXY_BAD);
	/* empty TLVs, which leave none of 65535 - 12 bytes: 21841 of 3 */
	memset(bytes + 28, 0, sizeof(bytes) - 28);
	assert_int_equal(parse(bytes, PROXY_V2_MAX, &h), PROXY_DONE);
}

static void
paths_of_unix_sockets_end_at_their_zero(void **state)
{
	static const struct { const char *from, *to, *from_text, *to_text; }
	cases[] = {
		{ "/run/a", "/run/b", "unix:/run/a", "unix:/run/b" },
		{ "\0\0\0\0\0\0", "\0name\0", "unix:(unnamed)", "unix:@name" },
		{ "/a\0rest", "/\0\0\0\0\0", "unix:/a", "unix:/" },
	};
	char bytes[16 + 216];
	struct proxy_header h;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		memset(bytes, 0, sizeof(bytes));
		put(bytes, SIGNATURE "\x21\x31\0\xd8", 16);
		memcpy(bytes + 16, cases[i].from, 6);
		memcpy(bytes + 16 + 108, cases[i].to, 6);
		assert_int_equal(parse(bytes, sizeof(bytes) - 1, &h),
		    PROXY_MORE);
		assert_int_equal(parse(bytes, sizeof(bytes), &h), PROXY_DONE);
		assert_address(&h.from, cases[i].from_text);
		assert_address(&h.to, cases[i].to_text);
	}
	/* a path that fills its field has no 0 */
	memset(bytes + 16, 'p', 216);
	assert_int_equal(parse(bytes, sizeof(bytes), &h), PROXY_DONE);
	assert_int_equal(h.from.len, offsetof(struct sockaddr_un, sun_path) +
	    108);
}

static void
garbage_is_never_read_beyond_its_end(void **state)
{
	char bytes[300];
	struct proxy_header h;

	(void)state;
	srandom(1);
	for (int round = 0; round < 200000; round++) {
		const struct sample *s = &good[(size_t)random() % COUNT(good)];
		size_t n = s->length;

		memcpy(bytes, s->bytes, n);
		for (int i = 0; i < 1 + round % 3; i++)
			bytes[(size_t)random() % n] = (char)random();
		n = 1 + (size_t)random() % n;
		if (parse(bytes, n, &h) == PROXY_DONE)
			assert_in_range(h.length, 15, n);
	}
}

static struct addr
address(const char *text, const char *port)
{
	struct endpoint e = { .numeric = true };
	struct addr_list list = { 0 };
	char *words[] = { (char *)(uintptr_t)text, (char *)(uintptr_t)port };
	struct addr a;

	assert_int_equal(endpoint_parse(&e, 2, words), 0);
	assert_int_equal(addr_ask(&e, AF_UNSPEC, 0, &list), 0);
	a = list.at[0];
	addr_list_free(&list);
	return a;
}

static void
what_is_written_is_read_back(void **state)
{
	static const struct { const char *from, *to, *from_text, *line; }
	cases[] = {
		{ "203.0.113.7", "192.0.2.1", "203.0.113.7:4711",
		    "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n" },
		{ "2001:db8::7", "::1", "[2001:db8::7]:4711",
		    "PROXY TCP6 2001:db8::7 ::1 4711 443\r\n" },
		{ "::ffff:203.0.113.7", "::ffff:192.0.2.1", "203.0.113.7:4711",
		    "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n" },
		{ "2001:db8::7", "192.0.2.1", NULL, "PROXY UNKNOWN\r\n" },
	};
	char out[PROXY_WRITE];
	struct proxy_header h;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr from = address(cases[i].from, "4711");
		struct addr to = address(cases[i].to, "443");
		size_t n = proxy_header_write(PROXY_V1, &from, &to, out);

		assert_int_equal(n, strlen(cases[i].line));
		assert_memory_equal(out, cases[i].line, n);
		n = proxy_header_write(PROXY_V2, &from, &to, out);
		assert_int_equal(parse(out, n, &h), PROXY_DONE);
		assert_int_equal(h.length, n);
		assert_address(&h.from, cases[i].from_text);
		assert_int_equal(out[12], cases[i].from_text ? 0x21 : 0x20);
	}
}

static void
a_unix_socket_is_unknown_or_local(void **state)
{
	struct addr none = { .len = 2, .un.sun_family = AF_UNIX }, to = none;
	char out[PROXY_WRITE];

	(void)state;
	assert_true(addr_unix(&to, "/run/x") >= 0);
	assert_int_equal(proxy_header_write(PROXY_V1, &none, &to, out), 15);
	assert_memory_equal(out, "PROXY UNKNOWN\r\n", 15);
	assert_int_equal(proxy_header_write(PROXY_V2, &none, &to, out), 16);
	assert_memory_equal(out, SIGNATURE "\x20\0\0\0", 16);
}

static void
the_longest_line_that_is_written_fits(void **state)
{
	struct addr a = address(
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "65535");
	char out[PROXY_WRITE];

	(void)state;
	assert_int_equal(proxy_header_write(PROXY_V1, &a, &a, out), 104);
	assert_memory_equal(out + 102, "\r\n", 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_read_and_what_follows_is_left),
		cmocka_unit_test(a_part_of_a_header_wants_more),
		cmocka_unit_test(a_bad_header_is_refused_with_a_reason),
		cmocka_unit_test(a_line_ends_within_107_bytes),
		cmocka_unit_test(
		    the_longest_version_2_header_is_64_kib_of_tlvs),
		cmocka_unit_test(paths_of_unix_sockets_end_at_their_zero),
		cmocka_unit_test(garbage_is_never_read_beyond_its_end),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(a_unix_socket_is_unknown_or_local),
		cmocka_unit_test(the_longest_line_that_is_written_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
