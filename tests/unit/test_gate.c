#include "base/fail.h"	/* before its name is a macro */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "probe/inspect/gate.h"
#include "report/group.h"

static char why[GATE_TEXT];
static struct group_flags flags[3];
static struct group_member members[2];
static struct group_report group[2];
static const struct group_report *const both[] = { &group[0], &group[1] };

/* Two groups of two sockets and processes, without a flag. */
static int
begin(void **state)
{
	(void)state;
	memset(flags, 0, sizeof(flags));
	for (int i = 0; i < 2; i++)
		members[i] = (struct group_member){
			.who = { .pid = 100 + i }, .flags = flags[i].names,
		};
	for (int i = 0; i < 2; i++)
		group[i] = (struct group_report){
			.place = i ? "[::1]:9" : "127.0.0.1:9",
			.members = members, .member_count = 2,
			.sockets = 2, .processes = 2, .flags = flags[2].names,
		};
	return 0;
}

static void
members_are_processes(void **state)
{
	struct gate gate = { .members = 2 };

	(void)state;
	assert_true(gate_is_met(&gate, both, 2, why));
	assert_string_equal(why, "");
	group[0].processes = 1;
	assert_false(gate_is_met(&gate, both, 2, why));
	assert_string_equal(why,
	    "127.0.0.1:9: 2 sockets, 1 process: wanted 2");
	gate.members = 1;
	assert_false(gate_is_met(&gate, both, 2, why));
	assert_string_equal(why,
	    "[::1]:9: 2 sockets, 2 processes: wanted 1");
	gate.members = -1;
	assert_true(gate_is_met(&gate, both, 2, why));
}

static void
unseen_processes_count_by_their_sockets(void **state)
{
	struct gate gate = { .members = 2 };

	(void)state;
	group[0].processes = -1;
	assert_true(gate_is_met(&gate, both, 1, why));
	gate.members = 3;
	assert_false(gate_is_met(&gate, both, 1, why));
	assert_string_equal(why, "127.0.0.1:9: 2 sockets, of processes that "
	    "can't be seen: wanted 3");
}

static void
nobody_is_met_only_by_nobody(void **state)
{
	struct gate gate = { .members = 0 };

	(void)state;
	assert_true(gate_is_met(&gate, both, 0, why));
	gate.members = -1;
	assert_false(gate_is_met(&gate, both, 0, why));
}

static void
flags_are_told_with_their_members(void **state)
{
	struct gate gate = { .members = -1, .flags = 1 << GROUP_FULL |
	    1 << GROUP_SHADOWED };

	(void)state;
	group_flag_set(&flags[0], GROUP_STUCK);
	group_flags_add(&flags[2], &flags[0]);
	assert_true(gate_is_met(&gate, both, 1, why));
	group_flag_set(&flags[1], GROUP_FULL);
	group_flags_add(&flags[2], &flags[1]);
	group_flag_set(&flags[2], GROUP_SHADOWED);
	assert_false(gate_is_met(&gate, both, 1, why));
	assert_string_equal(why, "127.0.0.1:9: FULL (pid 101), SHADOWED");
}

static void
many_reasons_are_cut_not_written_beyond(void **state)
{
	static const struct group_report *many[100];
	struct gate gate = { .members = 7 };

	(void)state;
	for (int i = 0; i < 100; i++)
		many[i] = &group[0];
	assert_false(gate_is_met(&gate, many, 100, why));
	assert_int_equal(strlen(why), GATE_TEXT - 1);
}

static void
names_are_read_in_capitals_or_not(void **state)
{
	const unsigned all = (1 << GROUP_FLAGS) - 1;

	(void)state;
	assert_int_equal(gate_flags("", all), all);
	assert_int_equal(gate_flags("STUCK", all), 1 << GROUP_STUCK);
	assert_int_equal(gate_flags("one-socket,Stuck,STUCK", all),
	    1 << GROUP_STUCK | 1 << GROUP_ONE_SOCKET);
	for (enum group_flag i = 0; i < GROUP_FLAGS; i++)
		assert_int_equal(gate_flags(group_flag_name(i), all), 1 << i);
	assert_int_equal(gate_flags("STUC", all), -1);
	assert_int_equal(fail_status(), STATUS_USAGE);
	assert_non_null(strstr(fail_text(), "STUC: no such flag"));
	assert_int_equal(gate_flags("STUCK,", all), -1);
	assert_int_equal(gate_flags(",STUCK", all), -1);
	assert_int_equal(gate_flags("STUCK FULL", all), -1);
}

static void
only_flags_that_can_be_are_read(void **state)
{
	const char *none[] = { NULL };

	(void)state;
	assert_int_equal(gate_flags("", GATE_OF_ATTEMPTS), GATE_OF_ATTEMPTS);
	assert_int_equal(gate_flags("silent", GATE_OF_ATTEMPTS),
	    1 << GROUP_SILENT);
	assert_int_equal(gate_flags("SILENT,STUCK", GATE_OF_ATTEMPTS), -1);
	assert_string_equal(fail_text(),
	    "STUCK: no such flag here: want STEERED, SILENT");
	assert_int_equal(gate_flags("SILENT", GATE_OF_GROUP), -1);
	group_flag_set(&flags[0], GROUP_SILENT);
	assert_true(gate_finds(1 << GROUP_SILENT, flags[0].names));
	assert_false(gate_finds(1 << GROUP_STEERED, flags[0].names));
	assert_false(gate_finds(~0U, none));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(members_are_processes, begin),
		cmocka_unit_test_setup(unseen_processes_count_by_their_sockets,
		    begin),
		cmocka_unit_test_setup(nobody_is_met_only_by_nobody, begin),
		cmocka_unit_test_setup(flags_are_told_with_their_members,
		    begin),
		cmocka_unit_test_setup(many_reasons_are_cut_not_written_beyond,
		    begin),
		cmocka_unit_test(names_are_read_in_capitals_or_not),
		cmocka_unit_test_setup(only_flags_that_can_be_are_read, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
