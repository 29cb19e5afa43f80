/* The rules of the option tables: needs, excludes, modes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/opt.h"
#include "cmd/command.h"

/* Last: its macros, fail() among them, would rewrite the others. */
#include <cmocka.h>

enum { ONE = 1, OTHER = 2 };

struct asked {
	bool red, green, blue, fast;
};

#define COLOR(name_) .kind = OPT_FLAG, .name = #name_, \
	.offset = offsetof(struct asked, name_), .help = ""

static const struct opt colors[] = {
	{ COLOR(red) },
	{ COLOR(green), .excludes = { { "red fast", "green is alone" },
	    { "blue", "not blue" } } },
	{ COLOR(blue), .needs = { "red fast", "blue needs one" } },
	{ COLOR(fast), .modes = ONE },
	{ .kind = OPT_END },
};

static const struct opt *const tables[] = { colors, NULL };

/* What opt_check() says of these words, or "". */
static const char *
said(const char *also, unsigned mode, const char *a, const char *b)
{
	char name[] = "x";
	char *words[] = { name, (char *)(uintptr_t)a, (char *)(uintptr_t)b,
	    NULL };
	struct opt_given given;
	struct asked asked = { 0 };

	assert_true(opt_parse(b ? 3 : a ? 2 : 1, words, tables, NULL, &asked,
	    &given) > 0);
	return opt_check(&given, also, mode, "this") < 0 ? fail_text() : "";
}

static void
excluded_options_are_refused_in_any_order(void **state)
{
	(void)state;
	assert_string_equal(said(NULL, 0, "--green", NULL), "");
	assert_string_equal(said(NULL, 0, "--green", "--red"),
	    "green is alone");
	assert_string_equal(said(NULL, 0, "--fast", "--green"),
	    "green is alone");
	assert_string_equal(said("blue", 0, "--green", NULL), "not blue");
	assert_string_equal(said("re", 0, "--green", NULL), "");
	assert_int_equal(fail_status(), STATUS_USAGE);
}

static void
one_of_the_needed_options_is_enough(void **state)
{
	(void)state;
	assert_string_equal(said(NULL, 0, "--blue", NULL), "blue needs one");
	assert_string_equal(said(NULL, 0, "--blue", "--fast"), "");
	assert_string_equal(said("red", 0, "--blue", NULL), "");
}

static void
an_option_of_another_mode_is_refused(void **state)
{
	(void)state;
	assert_string_equal(said(NULL, ONE, "--fast", "--red"), "");
	assert_string_equal(said(NULL, OTHER, "--fast", "--red"),
	    "--fast: not with this");
	assert_string_equal(said(NULL, 0, "--fast", "--red"), "");
}

static void
a_list_keeps_the_order_and_has_a_limit(void **state)
{
	static const struct opt rows[] = {
		{ .kind = OPT_LIST, .name = "via", .arg = "HOP", .help = "" },
		{ .kind = OPT_END },
	};
	const struct opt *const lists[] = { rows, NULL };
	char name[] = "x", empty[] = "--via=", hops[9][24];
	struct opt_list list = { 0 };
	struct opt_given given;
	char *words[11] = { name };

	(void)state;
	for (int i = 0; i < 9; i++) {
		snprintf(hops[i], sizeof(hops[i]), "--via=%d", i);
		words[i + 1] = hops[i];
	}
	assert_int_equal(opt_parse(9, words, lists, NULL, &list, &given), 9);
	assert_int_equal(list.count, OPT_LIST_MAX);
	assert_string_equal(list.at[0], "0");
	assert_string_equal(list.at[7], "7");
	assert_int_equal(given.count, 1);
	list.count = 0;
	assert_int_equal(opt_parse(10, words, lists, NULL, &list, &given),
	    -1);
	assert_string_equal(fail_text(), "--via: at most 8 of them");
	words[1] = empty;
	list.count = 0;
	assert_int_equal(opt_parse(2, words, lists, NULL, &list, &given), -1);
	assert_string_equal(fail_text(), "--via wants a value: HOP");
}

static const struct command *const commands[] = { &listen_command,
    &echo_command, &connect_command, &probe_command };

static bool
is_option(const char *name, size_t length)
{
	for (int c = 0; c < 4; c++)
		for (const struct opt *const *t = commands[c]->tables; *t; t++)
			for (const struct opt *o = *t; o->kind; o++)
				if (o->name && strlen(o->name) == length &&
				    memcmp(o->name, name, length) == 0)
					return true;
	return false;
}

static int
check_rule(const struct opt_rule *r)
{
	if (!r->with)
		return 0;
	assert_non_null(r->why);
	for (const char *at = r->with; *at; at += strspn(at, " ")) {
		assert_true(is_option(at, strcspn(at, " ")));
		at += strcspn(at, " ");
	}
	return 1;
}

static void
the_rules_of_the_commands_name_options(void **state)
{
	int rules = 0;

	(void)state;
	for (int c = 0; c < 4; c++)
		for (const struct opt *const *t = commands[c]->tables; *t; t++) {
			assert_int_equal((*t)->kind, OPT_HEADING);
			for (const struct opt *o = *t; o->kind; o++)
				rules += check_rule(&o->needs) +
				    check_rule(&o->excludes[0]) +
				    check_rule(&o->excludes[1]);
		}
	assert_true(rules > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(excluded_options_are_refused_in_any_order),
		cmocka_unit_test(one_of_the_needed_options_is_enough),
		cmocka_unit_test(an_option_of_another_mode_is_refused),
		cmocka_unit_test(a_list_keeps_the_order_and_has_a_limit),
		cmocka_unit_test(the_rules_of_the_commands_name_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
