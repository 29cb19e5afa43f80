/* SOCKS5 messages, as written, and as read a byte at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "net/socks5.h"

#include <cmocka.h>

#include "exact_copy.h"

/* More bytes than the reply change nothing. */
static void
takes_exactly(reply_parser *parse, const uint8_t *data, size_t length,
    int code)
{
	uint8_t more[600] = { 0 };
	struct reply r;

	assert_pieces_want_more(parse, data, length);
	memcpy(more, data, length);
	memset(more + length, 5, sizeof(more) - length);
	for (size_t have = length; have < sizeof(more); have++) {
		r = read_of(parse, more, have);
		assert_int_equal(r.state, REPLY_DONE);
		assert_int_equal(r.length, length);
		assert_int_equal(r.code, code);
	}
}

static void
is_bad(reply_parser *parse, const uint8_t *data, size_t length)
{
	struct reply r = read_of(parse, data, length);

	assert_int_equal(r.state, REPLY_BAD);
	assert_true(*r.why);
}

static void
every_method_is_read(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++)
		takes_exactly(socks5_read_method,
		    (uint8_t[]){ 5, (uint8_t)i }, 2, i);
}

static void
every_login_status_is_read_with_either_version(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++) {
		takes_exactly(socks5_read_login,
		    (uint8_t[]){ 1, (uint8_t)i }, 2, i);
		takes_exactly(socks5_read_login,
		    (uint8_t[]){ 5, (uint8_t)i }, 2, i);
	}
}

static void
a_reply_with_an_ipv4_or_ipv6_address_is_read_whole(void **state)
{
	uint8_t v4[10] = { 5, 0, 0, 1, 127, 0, 0, 1, 0x1f, 0x90 };
	uint8_t v6[22] = { 5, 0, 0, 4, [19] = 1, 0x1f, 0x90 };

	(void)state;
	takes_exactly(socks5_read_connect, v4, sizeof(v4), 0);
	takes_exactly(socks5_read_connect, v6, sizeof(v6), 0);
}

static void
a_reply_with_a_name_of_any_length_is_read_whole(void **state)
{
	uint8_t name[5 + 255 + 2] = { 5, 0, 0, 3 };

	(void)state;
	for (int i = 0; i < 256; i++) {
		name[4] = (uint8_t)i;
		takes_exactly(socks5_read_connect, name, 7 + (size_t)i, 0);
	}
}

static void
a_refusal_is_known_from_its_code_and_has_words(void **state)
{
	(void)state;
	for (int i = 1; i < 256; i++) {
		takes_exactly(socks5_read_connect,
		    (uint8_t[]){ 5, (uint8_t)i, 0, 9 }, 2, i);
		assert_true(strlen(socks5_error(i)) > 5);
	}
	assert_string_equal(socks5_error(5), "connection refused");
	assert_string_equal(socks5_error(9), "unknown error");
	assert_string_equal(socks5_error(-1), "unknown error");
}

static void
garbage_is_bad_at_its_first_wrong_byte(void **state)
{
	uint8_t type[] = { 5, 0, 0, 0 };

	(void)state;
	for (int i = 0; i < 256; i++) {
		uint8_t byte = (uint8_t)i;

		if (i != 5) {
			is_bad(socks5_read_method, &byte, 1);
			is_bad(socks5_read_connect, &byte, 1);
		}
		if (i != 5 && i != 1)
			is_bad(socks5_read_login, &byte, 1);
		type[3] = byte;
		if (i != 1 && i != 3 && i != 4)
			is_bad(socks5_read_connect, type, sizeof(type));
	}
}

static void
any_bytes_get_an_answer_that_is_not_beyond_them(void **state)
{
	reply_parser *const parsers[] = { socks5_read_method,
	    socks5_read_login, socks5_read_connect };
	uint8_t data[300];

	(void)state;
	srandom(1);
	for (int round = 0; round < 3000; round++) {
		size_t length = (size_t)random() % sizeof(data);

		for (size_t i = 0; i < length; i++)
			data[i] = (uint8_t)(random() % 6);
		for (int i = 0; i < 3; i++) {
			struct reply r = read_of(parsers[i], data, length);

			if (r.state == REPLY_DONE)
				assert_true(r.length && r.length <= length);
			if (r.state == REPLY_MORE)
				assert_true(r.length > length);
		}
	}
}

static void
wrote(const uint8_t *out, size_t length, const void *want, size_t size)
{
	assert_int_equal(length, size);
	assert_memory_equal(out, want, size);
}

static void
methods_and_login_are_written_as_the_rfcs_say(void **state)
{
	uint8_t out[SOCKS5_ROOM];
	char text[256];

	(void)state;
	wrote(out, socks5_write_methods(out, false), "\5\1\0", 3);
	wrote(out, socks5_write_methods(out, true), "\5\2\0\2", 4);
	wrote(out, socks5_write_login(out, "me", "secret"),
	    "\1\2me\6secret", 11);
	wrote(out, socks5_write_login(out, "me", ""), "\1\2me\0", 5);
	memset(text, 'x', 255);
	text[255] = '\0';
	assert_int_equal(socks5_write_login(out, text, text), SOCKS5_ROOM);
}

static void
connect_is_written_with_each_type_of_address(void **state)
{
	struct addr v4 = { .in = { .sin_family = AF_INET,
	    .sin_port = htons(8080), .sin_addr.s_addr = htonl(0x7f000001) } };
	struct addr v6 = { .in6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons(443), .sin6_addr = IN6ADDR_LOOPBACK_INIT } };
	struct endpoint name = { .host = "a.example", .port = 0x1234 };
	struct endpoint none = { .port = 80 };
	uint8_t out[SOCKS5_ROOM];

	(void)state;
	wrote(out, socks5_write_connect(out, &v4),
	    "\5\1\0\1\x7f\0\0\1\x1f\x90", 10);
	wrote(out, socks5_write_connect(out, &v6),
	    "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x01\xbb", 22);
	wrote(out, socks5_write_connect_name(out, &name),
	    "\5\1\0\3\x9" "a.example\x12\x34", 16);
	wrote(out, socks5_write_connect_name(out, &none),
	    "\5\1\0\3\x9" "localhost\0\x50", 16);
	memset(name.host, 'x', 255);
	assert_int_equal(socks5_write_connect_name(out, &name), 262);
	assert_int_equal(out[4], 255);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_method_is_read),
		cmocka_unit_test(
		    every_login_status_is_read_with_either_version),
		cmocka_unit_test(
		    a_reply_with_an_ipv4_or_ipv6_address_is_read_whole),
		cmocka_unit_test(
		    a_reply_with_a_name_of_any_length_is_read_whole),
		cmocka_unit_test(
		    a_refusal_is_known_from_its_code_and_has_words),
		cmocka_unit_test(garbage_is_bad_at_its_first_wrong_byte),
		cmocka_unit_test(
		    any_bytes_get_an_answer_that_is_not_beyond_them),
		cmocka_unit_test(
		    methods_and_login_are_written_as_the_rfcs_say),
		cmocka_unit_test(
		    connect_is_written_with_each_type_of_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
