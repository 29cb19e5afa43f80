/* Plans of ports, the member that a user names, and greetings. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include "base/fail.h"
#include "group/reach/greeting.h"
#include "group/reach/member_choice.h"
#include "group/reach/port_plan.h"

#include <cmocka.h>

static void
a_plan_counts_down(void **state)
{
	struct port_plan p = { .sockets = 8 };

	(void)state;
	assert_int_equal(port_plan_add(&p, 11, 1), 0);
	assert_int_equal(port_plan_add(&p, 12, 2), 0);
	assert_int_equal(port_plan_wanted(&p), 2);
	assert_true(port_plan_wants(&p, 11));
	assert_false(port_plan_wants(&p, 13));
	port_plan_take(&p, 11);
	assert_false(port_plan_wants(&p, 11));
	port_plan_take(&p, 11);		/* never below none */
	port_plan_give_back(&p, 11);
	assert_true(port_plan_wants(&p, 11));
	port_plan_take(&p, 12);
	assert_true(port_plan_wants(&p, 12));
	port_plan_take(&p, 12);
	assert_false(port_plan_wants(&p, 12));
	assert_int_equal(port_plan_wanted(&p), 1);
	assert_int_equal(port_plan_find(&p, 12), 1);
	assert_int_equal(port_plan_find(&p, 13), -1);
	port_plan_take(&p, 13);		/* not in it: nothing */
	port_plan_give_back(&p, 13);
	assert_int_equal(port_plan_wanted(&p), 1);
	port_plan_free(&p);
	assert_int_equal(p.count, 0);
}

static void
a_plan_may_have_no_limit(void **state)
{
	struct port_plan p = { .sockets = 2 };

	(void)state;
	assert_int_equal(port_plan_add(&p, 7, PORT_PLAN_ANY), 0);
	for (int i = 0; i < 1000; i++)
		port_plan_take(&p, 7);
	assert_true(port_plan_wants(&p, 7));
	port_plan_give_back(&p, 7);
	assert_int_equal(p.at[0].left, PORT_PLAN_ANY);
	port_plan_free(&p);
}

static double
power(double base, int n)
{
	double product = 1;

	while (n--)
		product *= base;
	return product;
}

static void
so_many_ports_or_tries_miss_hardly_ever(void **state)
{
	static const int sizes[] = { 2, 3, 8, 64, 1000, 4096 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct port_plan p = { .sockets = sizes[i] };
		double missed = 1 - 1.0 / sizes[i];

		assert_int_equal(port_plan_add(&p, 1, 1), 0);
		assert_true(power(missed, port_plan_ports(&p)) < 1e-12);
		assert_true(power(missed, port_plan_tries(1, sizes[i])) < 1e-6
		    || sizes[i] > 1000);
		port_plan_free(&p);
	}
	assert_true(power(100.0 / 110, port_plan_tries(10, 110)) < 1e-6);
	assert_true(port_plan_tries(0, 0) > 0);
	assert_true(port_plan_tries(0, 5) > 0);
	assert_int_equal(port_plan_tries(1, INT32_MAX), 20000);
}

static bool
chosen(const char *text, const char *name, pid_t pid, pid_t parent, int worker)
{
	struct member_choice c;

	assert_int_equal(member_choice_read(&c, text), 0);
	return member_choice_is(&c, name, pid, parent, worker);
}

static void
a_member_is_chosen_by_name_pid_or_worker(void **state)
{
	(void)state;
	assert_true(chosen("A", "A", 5, 0, -1));
	assert_true(chosen("A", "A", 5, 0, 3));
	assert_false(chosen("A", "AB", 5, 0, -1));
	assert_false(chosen("A", "", 5, 0, -1));
	assert_true(chosen("A/3", "A", 5, 0, 3));
	assert_false(chosen("A/3", "A", 5, 0, 2));
	assert_false(chosen("A/3", "A", 5, 0, -1));
	assert_true(chosen("5", "A", 5, 4, -1));
	assert_true(chosen("4", "A", 5, 4, 2));
	assert_true(chosen("4/2", "A", 5, 4, 2));
	assert_false(chosen("4/2", "A", 5, 4, 1));
	assert_false(chosen("4/2", "", 5, 4, -1));
	assert_false(chosen("6", "A", 5, 4, -1));
	assert_true(chosen("a-1.b_c/0", "a-1.b_c", 5, 0, 0));
}

static void
other_words_are_no_members(void **state)
{
	static const char *const bad[] = {
		"", "/", "/2", "A/", "A/x", "A/-1", "A/2/3", "0", "-5", "a b",
		"4100/x", "99999999999", "A B", "1A",
		"abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_abcdefghijk",
	};
	struct member_choice c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(member_choice_read(&c, bad[i]), -1);
		assert_int_equal(fail_status(), STATUS_USAGE);
	}
}

static int
greet(struct greeting_words *g, const char *line)
{
	return greeting_read(g, line, strlen(line));
}

static void
a_greeting_may_lack_words(void **state)
{
	struct greeting_words g;

	(void)state;
	assert_int_equal(greet(&g, "rpnc/1 name=A host=h pid=12 worker=3\n"),
	    0);
	assert_string_equal(g.name, "A");
	assert_string_equal(g.host, "h");
	assert_int_equal(g.pid, 12);
	assert_int_equal(g.worker, 3);
	assert_int_equal(greet(&g, "rpnc/1 pid=9"), 0);
	assert_string_equal(g.name, "");
	assert_int_equal(g.worker, -1);
	assert_int_equal(greet(&g, "rpnc/1 name=B pid=0x9\r\n"), 0);
	assert_int_equal(g.pid, 0);
	assert_int_equal(greet(&g, "rpnc/1 host=h worker=3\n"), -1);
	assert_int_equal(greet(&g, ""), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_counts_down),
		cmocka_unit_test(a_plan_may_have_no_limit),
		cmocka_unit_test(so_many_ports_or_tries_miss_hardly_ever),
		cmocka_unit_test(a_member_is_chosen_by_name_pid_or_worker),
		cmocka_unit_test(other_words_are_no_members),
		cmocka_unit_test(a_greeting_may_lack_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
