#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/loop.h"
#include "net/retry.h"

/* A pause beyond the end is cut: a server may start just before it. */
static void
test_tries_last_at_the_end(void **state)
{
	struct retry r = {
		.end = loop_now() + 400 * 1000,
		.pause = INT64_C(3600) * 1000000,
		.most = INT64_C(3600) * 1000000,
	};

	(void)state;
	assert_true(retry_sleep(&r));
	assert_true(loop_now() >= r.end);
	assert_false(retry_sleep(&r));
}

static void
test_pauses_double(void **state)
{
	struct retry r = {
		.end = loop_now() + INT64_C(3600) * 1000000,
		.pause = 1000, .most = 3000,
	};

	(void)state;
	assert_true(retry_sleep(&r));
	assert_int_equal(r.pause, 2000);
	assert_true(retry_sleep(&r));
	assert_int_equal(r.pause, 3000);
}

static void
test_no_wait_is_no_retry(void **state)
{
	struct retry r = { .end = loop_now(), .pause = 1000, .most = 1000 };

	(void)state;
	assert_false(retry_sleep(&r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tries_last_at_the_end),
		cmocka_unit_test(test_pauses_double),
		cmocka_unit_test(test_no_wait_is_no_retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
