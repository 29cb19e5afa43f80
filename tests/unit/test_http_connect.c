/* HTTP's CONNECT, as written, and its replies, read a byte at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_connect.h"

#include <cmocka.h>

#include "exact_copy.h"

/* Whatever is behind the reply is not read. */
static void
takes_exactly(const char *head, int code, const char *line)
{
	static const char behind[] = "SSH-2.0-x\r\n\r\nHTTP/1.1 200 x\n\n";
	size_t length = strlen(head);
	char all[1000];
	struct reply r;

	assert_pieces_want_more(http_connect_read, head, length);
	snprintf(all, sizeof(all), "%s%s", head, behind);
	for (size_t have = length; have <= strlen(all); have++) {
		r = read_of(http_connect_read, all, have);
		assert_int_equal(r.state, REPLY_DONE);
		assert_int_equal(r.length, length);
		assert_int_equal(r.code, code);
		assert_int_equal(r.line_length, strlen(line));
		assert_memory_equal(all + r.line, line, strlen(line));
	}
}

static void
is_bad(const char *text)
{
	struct reply r = read_of(http_connect_read, text, strlen(text));

	assert_int_equal(r.state, REPLY_BAD);
	assert_true(*r.why);
}

static void
a_head_ends_with_its_empty_line(void **state)
{
	(void)state;
	takes_exactly("HTTP/1.1 200 OK\r\n\r\n", 200, "HTTP/1.1 200 OK");
	takes_exactly("HTTP/1.0 200\r\n\r\n", 200, "HTTP/1.0 200");
	takes_exactly("HTTP/1.1 200 OK\r\nVia: x\r\nA: b\r\n\r\n", 200,
	    "HTTP/1.1 200 OK");
	takes_exactly("HTTP/1.1 407 \r\nProxy-Authenticate: Basic\r\n\r\n",
	    407, "HTTP/1.1 407 ");
	takes_exactly("HTTP/1.1 101 No\r\n\r\n", 101, "HTTP/1.1 101 No");
}

static void
bare_newlines_end_a_head_too(void **state)
{
	(void)state;
	takes_exactly("HTTP/1.0 204 OK\n\n", 204, "HTTP/1.0 204 OK");
	takes_exactly("HTTP/1.0 200 OK\nA: b\r\n\n", 200, "HTTP/1.0 200 OK");
	takes_exactly("HTTP/1.0 200 \r\r\nA: \r\r\n\r\n", 200,
	    "HTTP/1.0 200 \r");
}

static void
interim_replies_are_skipped(void **state)
{
	(void)state;
	takes_exactly("HTTP/1.1 100 Continue\r\n\r\n"
	    "HTTP/1.1 102 Wait\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200,
	    "HTTP/1.1 200 OK");
}

static void
every_status_is_read(void **state)
{
	char head[64], line[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		if (i / 100 == 1)
			continue;
		snprintf(line, sizeof(line), "HTTP/1.1 %03d x", i);
		snprintf(head, sizeof(head), "%s\r\n\r\n", line);
		takes_exactly(head, i, line);
	}
}

static void
garbage_is_bad_at_its_first_wrong_byte(void **state)
{
	static const char good[] = "HTTP/1.1 200 ";
	char text[sizeof(good)];

	(void)state;
	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		snprintf(text, sizeof(text), "%.*s", (int)i + 1, good);
		text[i] = '?';
		is_bad(text);
	}
	is_bad("SSH-2.0-OpenSSH");
	is_bad("\5");
	is_bad("HTTP/1.1 2000 OK");
	assert_int_equal(read_of(http_connect_read, "HTTP/1.1 200\0OK",
	    15).state, REPLY_BAD);
	is_bad("HTTP/1.1 100 Wait\r\n\r\nx");
	assert_int_equal(read_of(http_connect_read, "\0", 1).state, REPLY_BAD);
}

/* A head of this length, without its last `missing` bytes. */
static struct reply
read_long(size_t length, size_t missing)
{
	static const char start[] = "HTTP/1.1 200 OK\r\nA: ";
	char *head = malloc(length);
	struct reply r;

	assert_non_null(head);
	memset(head, 'x', length);
	memcpy(head, start, strlen(start));
	memcpy(head + length - 4, "\r\n\r\n", 4);
	r = read_of(http_connect_read, head, length - missing);
	free(head);
	return r;
}

static void
a_head_of_64_kib_is_read_and_a_longer_one_is_bad(void **state)
{
	(void)state;
	assert_int_equal(read_long(HTTP_HEAD_MAX, 0).state, REPLY_DONE);
	assert_int_equal(read_long(HTTP_HEAD_MAX, 0).length, HTTP_HEAD_MAX);
	assert_int_equal(read_long(HTTP_HEAD_MAX, 1).state, REPLY_MORE);
	assert_int_equal(read_long(HTTP_HEAD_MAX + 1, 1).state, REPLY_BAD);
	assert_int_equal(read_long(HTTP_HEAD_MAX + 1, 0).state, REPLY_BAD);
	assert_int_equal(read_long(HTTP_HEAD_MAX * 2, 0).state, REPLY_BAD);
}

static void
any_bytes_get_an_answer_that_is_not_beyond_them(void **state)
{
	static const char start[] = "HTTP/1.1 100 ", some[] = "\r\n\nHx";
	char data[100];

	(void)state;
	srandom(1);
	memcpy(data, start, strlen(start));
	for (int round = 0; round < 20000; round++) {
		size_t length = (size_t)random() % sizeof(data);
		struct reply r;

		for (size_t i = strlen(start); i < length; i++)
			data[i] = some[random() % 5];
		r = read_of(http_connect_read, data, length);
		if (r.state == REPLY_DONE)
			assert_true(r.length <= length &&
			    r.line + r.line_length <= r.length);
		if (r.state == REPLY_MORE)
			assert_true(r.length > length);
	}
}

static void
a_request_has_target_and_login(void **state)
{
	char out[HTTP_CONNECT_ROOM], long_login[2 * 255 + 2];
	size_t length;

	(void)state;
	length = http_connect_write(out, "[::1]:80", NULL);
	assert_string_equal(out,
	    "CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
	assert_int_equal(length, strlen(out));
	length = http_connect_write(out, "a:1", "Aladdin:open sesame");
	assert_string_equal(out, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n"
	    "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
	    "\r\n");
	assert_int_equal(length, strlen(out));
	memset(long_login, 'x', sizeof(long_login) - 1);
	long_login[sizeof(long_login) - 1] = '\0';
	length = http_connect_write(out, "a:1", long_login);
	assert_int_equal(length, strlen(out));
	assert_string_equal(out + length - 4, "\r\n\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_ends_with_its_empty_line),
		cmocka_unit_test(bare_newlines_end_a_head_too),
		cmocka_unit_test(interim_replies_are_skipped),
		cmocka_unit_test(every_status_is_read),
		cmocka_unit_test(garbage_is_bad_at_its_first_wrong_byte),
		cmocka_unit_test(
		    a_head_of_64_kib_is_read_and_a_longer_one_is_bad),
		cmocka_unit_test(
		    any_bytes_get_an_answer_that_is_not_beyond_them),
		cmocka_unit_test(a_request_has_target_and_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
