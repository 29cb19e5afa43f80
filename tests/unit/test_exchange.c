#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "probe/load/exchange.h"

static const char greeting[] = "rpnc/1 name=A host=h pid=1 worker=0\n";

/* Says text in pieces of this size. */
static void
say(struct exchange *d, const char *text, size_t length, size_t piece)
{
	for (; length; text += piece, length -= piece) {
		if (piece > length)
			piece = length;
		exchange_take(d, text, piece);
	}
}

/* Sends all there is, and gives it back. */
static size_t
sent(struct exchange *d, char *room, size_t size)
{
	size_t all = 0, n;

	while ((n = exchange_piece(d, room + all, size - all < 100 ?
	    size - all : 100))) {
		exchange_sent(d, n);
		all += n;
	}
	return all;
}

static void
an_echo_is_verified_in_any_pieces_behind_any_greeting(void **state)
{
	struct plan plan = { .echo = 1000 };
	struct exchange d;
	char data[1000];

	(void)state;
	for (size_t piece = 1; piece < 1001; piece += 111)
		for (int greeted = 0; greeted <= 1; greeted++) {
			exchange_start(&d, &plan, piece, false);
			assert_int_equal(sent(&d, data, 1000), 1000);
			assert_false(exchange_is_done(&d));
			if (greeted)
				say(&d, greeting, strlen(greeting), piece);
			say(&d, data, 1000, piece);
			assert_true(exchange_is_done(&d));
			assert_false(d.wrong);
			assert_int_equal(d.greeting, greeted ?
			    GREETING_SEEN : GREETING_NONE);
			exchange_free(&d);
		}
}

static void
an_echo_of_another_attempt_is_wrong(void **state)
{
	struct plan plan = { .echo = 64 };
	struct exchange a, b;
	char data[64];

	(void)state;
	exchange_start(&a, &plan, 1, false);
	exchange_start(&b, &plan, 2, false);
	sent(&a, data, 64);
	exchange_take(&b, data, 64);
	assert_true(b.wrong);
}

static void
an_echo_that_is_short_or_changed_is_wrong(void **state)
{
	struct plan plan = { .echo = 64 };
	struct exchange d;
	char data[64];

	(void)state;
	for (int i = 0; i < 64; i++) {
		exchange_start(&d, &plan, 1, false);
		sent(&d, data, 64);
		data[i] ^= 0x10;
		exchange_take(&d, data, 64);
		assert_true(d.wrong);
	}
	exchange_start(&d, &plan, 1, false);
	sent(&d, data, 64);
	exchange_take(&d, data, 63);
	assert_false(d.wrong);
	exchange_end(&d);
	assert_true(d.wrong);
}

static void
a_match_at_the_end_waits_for_more(void **state)
{
	struct exchange d;
	regex_t match;
	struct plan plan = { .match = &match };

	(void)state;
	assert_int_equal(regcomp(&match, "pid=([0-9]+)", REG_EXTENDED), 0);
	exchange_start(&d, &plan, 1, false);
	exchange_take(&d, "x pid=12", 8);
	assert_false(exchange_is_done(&d));
	assert_true(exchange_is_loose(&d));
	exchange_take(&d, "34", 2);
	assert_false(exchange_is_done(&d));
	exchange_take(&d, ".", 1);
	assert_true(exchange_is_done(&d));
	assert_int_equal(d.name_length, 4);
	assert_memory_equal(d.name, "1234", 4);
	exchange_free(&d);
	exchange_start(&d, &plan, 1, false);
	exchange_take(&d, "pid=12", 6);
	exchange_settle(&d);
	assert_true(exchange_is_done(&d));
	exchange_free(&d);
	regfree(&match);
}

static void
a_pattern_is_found_behind_zero_bytes(void **state)
{
	struct exchange d;
	regex_t expect;
	struct plan plan = { .expect = &expect };

	(void)state;
	assert_int_equal(regcomp(&expect, "yes", REG_EXTENDED), 0);
	exchange_start(&d, &plan, 1, false);
	exchange_take(&d, "no\0no\0", 6);
	assert_false(exchange_is_done(&d));
	exchange_take(&d, "yes", 3);
	assert_true(exchange_is_done(&d));
	assert_false(d.wrong);
	exchange_free(&d);
	exchange_start(&d, &plan, 1, false);
	exchange_take(&d, "no", 2);
	exchange_end(&d);
	assert_true(d.wrong);
	exchange_free(&d);
	regfree(&expect);
}

static void
what_only_looks_like_a_greeting_is_the_reply(void **state)
{
	struct plan plan = { .send = "x", .send_length = 1 };
	struct exchange d;
	char data[1];

	(void)state;
	exchange_start(&d, &plan, 1, false);
	assert_int_equal(sent(&d, data, 1), 1);
	exchange_take(&d, "rpn", 3);
	assert_false(exchange_is_done(&d));
	assert_true(exchange_is_loose(&d));
	exchange_settle(&d);
	assert_true(exchange_is_done(&d));
	exchange_free(&d);
	exchange_start(&d, &plan, 1, true);
	sent(&d, data, 1);
	exchange_take(&d, "rpnc/2 ", 7);
	assert_int_equal(d.greeting, GREETING_NONE);
	assert_true(exchange_is_done(&d));
	exchange_free(&d);
}

static void
a_greeting_without_end_is_none(void **state)
{
	struct plan plan = { 0 };
	struct exchange d;
	char data[1000];

	(void)state;
	memset(data, 'x', sizeof(data));
	memcpy(data, greeting, 7);
	exchange_start(&d, &plan, 1, true);
	say(&d, data, sizeof(data), 7);
	assert_int_equal(d.greeting, GREETING_NONE);
	assert_true(exchange_is_done(&d));
	exchange_free(&d);
}

static void
endless_text_is_kept_to_a_limit(void **state)
{
	struct exchange d;
	regex_t expect;
	struct plan plan = { .expect = &expect };
	char data[8192];

	(void)state;
	assert_int_equal(regcomp(&expect, "never", REG_EXTENDED), 0);
	memset(data, 'x', sizeof(data));
	exchange_start(&d, &plan, 1, false);
	for (int i = 0; i < 20; i++)
		exchange_take(&d, data, sizeof(data));
	assert_int_equal(d.length, 65536);
	assert_int_equal(d.in, 20 * sizeof(data));
	exchange_free(&d);
	regfree(&expect);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    an_echo_is_verified_in_any_pieces_behind_any_greeting),
		cmocka_unit_test(an_echo_of_another_attempt_is_wrong),
		cmocka_unit_test(an_echo_that_is_short_or_changed_is_wrong),
		cmocka_unit_test(a_match_at_the_end_waits_for_more),
		cmocka_unit_test(a_pattern_is_found_behind_zero_bytes),
		cmocka_unit_test(what_only_looks_like_a_greeting_is_the_reply),
		cmocka_unit_test(a_greeting_without_end_is_none),
		cmocka_unit_test(endless_text_is_kept_to_a_limit),
	};

	return cmocka_run_group_tests_name("dialogue", tests, NULL, NULL);
}
