#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "group/reach/steering_check.h"

/* k^(-k n) < 10^-6, and two for each socket at least. */
static void
enough_that_chance_does_not_agree(void **state)
{
	(void)state;
	assert_int_equal(steering_check_each(2), 10);
	assert_int_equal(steering_check_each(3), 5);
	assert_int_equal(steering_check_each(8), 2);
	for (int k = 2; k <= 512; k++) {
		int n = steering_check_each(k);

		assert_true(n >= 2);
		assert_true(-(double)k * n * log(k) < log(1e-6));
	}
}

static void
one_socket_or_too_many_are_not_asked(void **state)
{
	(void)state;
	assert_int_equal(steering_check_each(0), 0);
	assert_int_equal(steering_check_each(1), 0);
	assert_int_equal(steering_check_each(1024), 1);
	assert_int_equal(steering_check_each(1025), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enough_that_chance_does_not_agree),
		cmocka_unit_test(one_socket_or_too_many_are_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
