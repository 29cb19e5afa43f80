#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include "base/fail.h"	/* before its name is a macro */
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "report/labels.h"

static void
test_read(void **state)
{
	struct labels l = { 0 };

	(void)state;
	assert_int_equal(labels_read(&l, "zone=eu-1"), 0);
	assert_int_equal(labels_read(&l, "_a9="), 0);
	assert_int_equal(labels_read(&l, "q=a \"b\" \\ = \xc3\xa9"), 0);
	assert_int_equal(l.count, 3);
	assert_string_equal(labels_find(&l, "zone"), "eu-1");
	assert_string_equal(labels_find(&l, "_a9"), "");
	assert_string_equal(labels_find(&l, "q"), "a \"b\" \\ = \xc3\xa9");
	assert_null(labels_find(&l, "zon"));
	assert_int_equal(labels_set(&l, "zone", "us"), 0);
	assert_int_equal(l.count, 3);
	assert_string_equal(labels_find(&l, "zone"), "us");
	labels_remove(&l, "_a9");
	labels_remove(&l, "not there");
	assert_int_equal(l.count, 2);
	assert_string_equal(l.at[1].name, "q");
	labels_remove(&l, l.at[1].name);
	labels_remove(&l, l.at[0].name);
	assert_int_equal(l.count, 0);
}

static void
test_refuses(void **state)
{
	static const char *const bad[] = {
		"", "=", "=x", "zone", "9a=x", "a-b=x", "a b=x", "\xc3\xa9=x",
		"a.b=x", "a:b=x", "pid=1", "le=1", "phase=x", "__a=x",
		"address=x", "host=x", "a=\n", "a=\x1b[31m", "a=\xff",
		"a=\xe2\x80\xa8", "twice=2",
	};
	char text[400];
	struct labels l = { 0 };

	(void)state;
	assert_int_equal(labels_read(&l, "twice=1"), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (labels_read(&l, bad[i]) != -1)
			fail_msg("accepted: %s", bad[i]);
	memset(text, 'a', sizeof text);
	memcpy(text + 64, "=", 1);
	text[64 + 1 + 128] = 0;
	assert_int_equal(labels_read(&l, text), 0);
	assert_int_equal(strlen(l.at[1].name), 64);
	assert_int_equal(strlen(l.at[1].value), 128);
	labels_remove(&l, l.at[1].name);
	text[64 + 1 + 128] = 'a';
	text[64 + 1 + 129] = 0;
	assert_int_equal(labels_read(&l, text), -1);
	memcpy(text + 64, "a=", 2);
	text[70] = 0;
	assert_int_equal(labels_read(&l, text), -1);
	assert_int_equal(l.count, 1);
	for (int i = 1; i < LABELS_MAX; i++) {
		snprintf(text, sizeof text, "l%d=x", i);
		assert_int_equal(labels_read(&l, text), 0);
	}
	assert_int_equal(labels_read(&l, "more=x"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
