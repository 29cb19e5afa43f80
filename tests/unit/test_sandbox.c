/* The table of the sandbox, against the lists of rpnc-sandbox(7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/calls.h"

#include <cmocka.h>

enum { LIST = 4096, WORDS = 200 };

/* The words of the .Cm lines under ".It Sy NAME", with a space after each. */
static void
read_list(const char *name, char list[static LIST])
{
	FILE *in = fopen("man/rpnc-sandbox.7", "re");
	char line[256], head[64], *word, *rest;
	bool on = false;

	assert_non_null(in);
	snprintf(head, sizeof(head), ".It Sy %s\n", name);
	list[0] = '\0';
	while (fgets(line, sizeof(line), in)) {
		if (strncmp(line, ".It ", 4) == 0 || strncmp(line, ".El", 3) == 0)
			on = strcmp(line, head) == 0;
		if (!on || strncmp(line, ".Cm ", 4) != 0)
			continue;
		for (rest = line + 4; (word = strsep(&rest, " \n"));)
			if (strlen(word) > 1)
				strcat(strcat(list, word), " ");
	}
	fclose(in);
	assert_true(strlen(list) > 0);
}

static void
add_once(char list[static LIST], const char *name)
{
	char word[64], padded[LIST + 2];

	snprintf(word, sizeof(word), " %s ", name);
	snprintf(padded, sizeof(padded), " %s", list);
	if (!strstr(padded, word))
		strcat(list, word + 1);
}

static void
the_manual_lists_the_calls(void **state)
{
	static const char *const names[] = {
		"bytes", "files", "accept", "dial", "names", "others",
		"prompt", "children",
	};
	char manual[LIST], table[LIST];

	(void)state;
	for (unsigned bit = 0; bit < sizeof(names) / sizeof(*names); bit++) {
		table[0] = '\0';
		for (const struct sandbox_call *c = sandbox_calls; c->name; c++)
			if (c->keeps & (1U << bit))
				add_once(table, c->name);
		read_list(names[bit], manual);
		assert_string_equal(manual, table);
	}
}

static void
the_manual_lists_the_deadly_calls(void **state)
{
	char manual[LIST], table[LIST] = "";

	(void)state;
	for (const char *const *n = sandbox_deadly; *n; n++)
		add_once(table, *n);
	read_list("deadly", manual);
	assert_string_equal(manual, table);
}

static void
no_allowed_call_is_deadly(void **state)
{
	(void)state;
	for (const struct sandbox_call *c = sandbox_calls; c->name; c++)
		for (const char *const *n = sandbox_deadly; *n; n++)
			assert_string_not_equal(c->name, *n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_lists_the_calls),
		cmocka_unit_test(the_manual_lists_the_deadly_calls),
		cmocka_unit_test(no_allowed_call_is_deadly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
