/* The table of the sandbox, against the lists of rpnc-sandbox(7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include "sandbox/calls.h"
#include "sandbox/filter.h"

#include <cmocka.h>

#ifdef __x86_64__
#define PROCESSOR AUDIT_ARCH_X86_64
#else
#define PROCESSOR AUDIT_ARCH_AARCH64
#endif

enum { LIST = 4096 };

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
	for (const struct sandbox_deadly *d = sandbox_deadly; d->name; d++)
		add_once(table, d->name);
	read_list("deadly", manual);
	assert_string_equal(manual, table);
}

static void
no_allowed_call_is_deadly(void **state)
{
	(void)state;
	for (const struct sandbox_call *c = sandbox_calls; c->name; c++)
		for (const struct sandbox_deadly *d = sandbox_deadly; d->name;
		    d++)
			assert_string_not_equal(c->name, d->name);
}

/* What the kernel makes of a program: the instructions that filter.c uses. */
static uint32_t
run_program(const struct sock_filter *code, int length,
    const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (int pc = 0; pc < length; pc++) {
		const struct sock_filter *i = &code[pc];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k + sizeof(a) <= sizeof(*data));
			memcpy(&a, (const char *)data + i->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			fail_msg("instruction %d has code %d", pc, i->code);
		}
	}
	fail_msg("the program does not end");
	return 0;
}

/* The same, by reading the table row by row. */
static uint32_t
by_table(unsigned keeps, const struct seccomp_data *data)
{
	for (const struct sandbox_deadly *d = sandbox_deadly; d->name; d++)
		if (d->number == data->nr)
			return SECCOMP_RET_KILL_PROCESS;
	for (const struct sandbox_call *c = sandbox_calls; c->name; c++)
		if (c->number == data->nr && c->keeps & keeps &&
		    (!c->argument.compared || (data->args[c->argument.index] &
		    c->argument.mask) == c->argument.value))
			return SECCOMP_RET_ALLOW;
	return SECCOMP_RET_ERRNO | ENOSYS;
}

static void
check_call(const struct sock_filter *code, int length, unsigned keeps,
    struct seccomp_data *data)
{
	uint32_t got = run_program(code, length, data);

#ifdef __SANITIZE_ADDRESS__
	assert_int_equal(got, SECCOMP_RET_ALLOW);
	(void)keeps;
#else
	if (got != by_table(keeps, data))
		fail_msg("keeps %#x, call %d: %#x", keeps, data->nr, got);
#endif
}

static void
the_program_is_the_table(void **state)
{
	enum { NUMBERS = 600, ALL = 1 << 8 };
	struct sock_filter code[FILTER_LENGTH];

	(void)state;
	(void)by_table;
	for (unsigned keeps = 0; keeps < ALL; keeps++) {
		int length = filter_build(keeps, code);
		struct seccomp_data data = { .arch = PROCESSOR };

		assert_true(length > 0);
		for (data.nr = 0; data.nr < NUMBERS; data.nr++) {
			memset(data.args, 0xff, sizeof(data.args));
			check_call(code, length, keeps, &data);
			memset(data.args, 0, sizeof(data.args));
			check_call(code, length, keeps, &data);
		}
		for (const struct sandbox_call *c = sandbox_calls; c->name; c++) {
			data.nr = c->number;
			data.args[c->argument.index] = c->argument.value;
			check_call(code, length, keeps, &data);
			data.args[c->argument.index] = 0;
		}
		/* x32's, and another processor's */
		data.nr = 1 << 30;
		check_call(code, length, keeps, &data);
	}
}

static void
another_processors_calls_are_deadly(void **state)
{
	struct sock_filter code[FILTER_LENGTH];
	int length = filter_build(KEEPS_BYTES, code);
	const struct seccomp_data data = { .arch = AUDIT_ARCH_I386 };

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	assert_int_equal(run_program(code, length, &data), SECCOMP_RET_ALLOW);
#else
	assert_int_equal(run_program(code, length, &data),
	    SECCOMP_RET_KILL_PROCESS);
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_lists_the_calls),
		cmocka_unit_test(the_manual_lists_the_deadly_calls),
		cmocka_unit_test(no_allowed_call_is_deadly),
		cmocka_unit_test(the_program_is_the_table),
		cmocka_unit_test(another_processors_calls_are_deadly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
