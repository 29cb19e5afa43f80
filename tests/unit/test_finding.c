#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "report/finding.h"

static struct finding_list list;

/* Two that expect half of 1000 each. */
static struct finding_member members[2];
static struct finding_facts facts;

static int
begin(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		members[i] = (struct finding_member){
			.who = {
				.name = i ? "B" : "A", .pid = 100 + i,
				.worker = -1, .uid = -1,
			},
			.waiting = 0, .count = 500, .expected = 500,
		};
	facts = (struct finding_facts){
		.members = members, .member_count = 2, .attempts = 1000,
		.failure = "failed", .judged = 1000, .p = 1,
	};
	return 0;
}

/* The texts, one a line. */
static void
assert_says(const char *wanted)
{
	char text[2000] = "";

	finding_make(&list, &facts);
	for (size_t i = 0; i < list.count; i++) {
		strcat(text, list.at[i].text);
		strcat(text, "\n");
	}
	assert_string_equal(text, wanted);
}

static void
every_verdict_has_a_sentence(void **state)
{
	(void)state;
	facts.verdict = "even";
	assert_says("even: the differences are chance\n");
	facts.verdict = "as-weighted";
	assert_says("as weighted: the differences are chance\n");
	facts.verdict = "too-even";
	assert_says("too even for a hash: something deals in turn\n");
	facts.verdict = "changed";
	assert_says("changed: members came or went meanwhile\n");
	facts.verdict = "too-few";
	facts.enough = 400;
	assert_says("too few to tell: try -n 400\n");
	facts.running = true;
	assert_says("too few to tell: a member that gets nothing could go "
	    "unnoticed\n");
	facts.member_count = 1;
	assert_says("one member: nothing to compare\n");
	facts.verdict = NULL;
	assert_says("");
	facts.unjudged = "nobody knows";
	assert_says("no verdict: nobody knows\n");
	assert_string_equal(list.at[0].kind, "none");
}

static void
uneven_names_the_member_that_is_least_like_chance(void **state)
{
	(void)state;
	facts.verdict = "uneven";
	members[0].count = 700;
	members[1].count = 300;
	members[0].expected = 990;	/* 290 of 10 is stranger than -290 */
	members[1].expected = 10;
	assert_says("uneven: B (pid 101) gets too much (300 of 1000, expected "
	    "10 ± 9)\n");
	members[0].expected = 500;
	members[1].expected = 500;
	members[1].who.name = NULL;
	members[1].who.command = "ngi\033nx";
	assert_says("uneven: A (pid 100) gets too much (700 of 1000, expected "
	    "500 ± 44)\n");
	members[0].count = 1000;
	members[1].count = 0;
	members[1].expected = 501;
	assert_says("uneven: ngi\\enx (pid 101) gets nothing (0 of 1000, "
	    "expected 501 ± 44)\n");
	assert_string_equal(list.at[0].kind, "silent");
	assert_null(list.at[0].member);
	assert_int_equal(list.at[0].pid, 101);
}

static void
unclear_says_why(void **state)
{
	(void)state;
	facts.verdict = "unclear";
	facts.p = 0.004;
	facts.needed = 2400;
	assert_says("unclear: chance does this once in 250 times: try -n "
	    "2400\n");
	facts.missing = 60;
	assert_says("unclear: the member of 60 attempts is not known\n");
	facts.queued = 1;
	assert_says("1 of 1000 connected, but nobody accepted it\nunclear: 1 "
	    "client still waits, so the counts are not final\n");
}

static void
what_does_not_work_comes_before_the_verdict(void **state)
{
	(void)state;
	facts.verdict = "even";
	facts.failed = 12;
	facts.how = "refused 10, reset 2";
	facts.mismatched = 3;
	facts.queued = 22;
	members[1].state = "stopped";
	members[1].waiting = 22;
	assert_says("B (pid 101) is stopped: 22 clients wait in its queue\n"
	    "12 of 1000 failed (refused 10, reset 2)\n"
	    "3 of 1000 answers were not the expected one\n"
	    "even: the differences are chance\n");
	assert_string_equal(list.at[0].kind, "stopped");
	assert_string_equal(list.at[0].member, "B");
	assert_int_equal(list.at[0].pid, 101);
	facts.failed = facts.attempts;
	facts.how = NULL;
	members[1].state = NULL;
	members[1].stuck = true;
	members[1].who.worker = 3;
	members[1].waiting = 1;
	finding_make(&list, &facts);
	assert_string_equal(list.at[0].text, "B/3 (pid 101) does not accept: "
	    "1 client waits in its queue");
	assert_string_equal(list.at[1].text, "all 1000 failed");
	/* busy, and no client of ours is left waiting */
	members[1].stuck = false;
	finding_make(&list, &facts);
	assert_string_equal(list.at[0].kind, "failed");
}

/* However many are stopped, the verdict is said. */
static void
there_is_room_for_the_verdict(void **state)
{
	struct finding_member many[20];

	(void)state;
	for (int i = 0; i < 20; i++) {
		many[i] = members[0];
		many[i].state = "stopped";
		many[i].waiting = -1;
	}
	facts.members = many;
	facts.member_count = 20;
	facts.failed = facts.mismatched = 5;
	facts.verdict = "changed";
	finding_make(&list, &facts);
	assert_int_equal(list.count, FINDINGS);
	assert_string_equal(list.at[0].text, "A (pid 100) is stopped: its new "
	    "clients wait");
	assert_string_equal(list.at[FINDINGS - 1].kind, "changed");
}

static void
who_answers_nothing_comes_first(void **state)
{
	(void)state;
	members[1].silent = true;
	members[1].due = 106;
	facts.failed = 106;
	facts.unjudged = "no";
	assert_says("B (pid 101) answered none of 106\n"
	    "106 of 1000 failed\nno verdict: no\n");
	assert_string_equal(list.at[0].kind, "silent");
	assert_int_equal(list.at[0].pid, 101);
	/* if it is known why, that is said instead */
	members[1].state = "stopped";
	members[1].waiting = 7;
	facts.failed = 0;
	assert_says("B (pid 101) is stopped: 7 clients wait in its queue\n"
	    "no verdict: no\n");
}

static void
the_verdict_says_that_a_program_steers(void **state)
{
	(void)state;
	facts.verdict = "even";
	facts.steered = true;
	assert_says("even: the differences are chance; steered by a program\n");
	facts.steering = "random";
	assert_says("even: the differences are chance; steered: random\n");
	facts.verdict = NULL;
	facts.unjudged = "no";
	assert_says("no verdict: no\n");
	facts.steering = NULL;
	assert_says("no verdict: no; steered by a program\n");
	facts.unjudged = NULL;
	facts.failed = 3;
	assert_says("3 of 1000 failed\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_verdict_has_a_sentence, begin),
		cmocka_unit_test_setup(who_answers_nothing_comes_first, begin),
		cmocka_unit_test_setup(the_verdict_says_that_a_program_steers,
		    begin),
		cmocka_unit_test_setup(
		    uneven_names_the_member_that_is_least_like_chance, begin),
		cmocka_unit_test_setup(unclear_says_why, begin),
		cmocka_unit_test_setup(
		    what_does_not_work_comes_before_the_verdict, begin),
		cmocka_unit_test_setup(there_is_room_for_the_verdict, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
