#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include "base/fail.h"	/* before its name is a macro */

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "group/steer/reconcile.h"

static void
reads_and_writes(const char *text, const char *again)
{
	struct steering s;
	char out[MODE_TEXT];

	assert_int_equal(mode_parse(text, &s), 0);
	assert_string_equal(mode_text(&s, out), again);
	assert_int_equal(mode_parse(out, &s), 0);
	assert_string_equal(mode_text(&s, out), again);
}

static void
a_mode_is_the_same_when_read_again(void **state)
{
	(void)state;
	reads_and_writes("hash", "hash");
	reads_and_writes("random", "random");
	reads_and_writes("cpu", "cpu");
	reads_and_writes("source-port", "source-port");
	reads_and_writes("source-address", "source-address");
	reads_and_writes("least", "least");
	reads_and_writes("byte=0", "byte=0");
	reads_and_writes("byte 8", "byte=8");
	reads_and_writes("byte:65506", "byte=65506");
	reads_and_writes("weights byte=8", "weights byte=8");
	reads_and_writes("byte=7,A=3", "weights byte=7,A=3");
	reads_and_writes("weights A=70,B=20", "weights A=70,B=20");
	reads_and_writes("A=70,B=20", "weights A=70,B=20");
	reads_and_writes("weights=A=70,B=20", "weights A=70,B=20");
	reads_and_writes("weights=70", "weights weights=70");
	reads_and_writes("weights:A=0,A/1=1000", "weights A=0,A/1=1000");
}

static void
is_refused(const char *text)
{
	struct steering s;

	assert_int_equal(mode_parse(text, &s), -1);
	assert_int_equal(fail_status(), STATUS_USAGE);
}

static void
what_is_no_mode_is_refused(void **state)
{
	char many[4096] = "";

	(void)state;
	is_refused("");
	is_refused("hashes");
	is_refused("hash now");
	is_refused("A=");
	is_refused("least now");
	is_refused("byte");
	is_refused("byte=");
	is_refused("byte=65507");
	is_refused("byte -1");
	is_refused("=1");
	is_refused("A=-1");
	is_refused("A=1.5");
	is_refused("A=1001");
	is_refused("9=1");
	is_refused("A/=1");
	is_refused("A/x=1");
	for (int i = 0; i < SHARED_WEIGHTS + 1; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many),
		    "%sA/%d=1", i ? "," : "", i);
	is_refused(many);
}

/* Members of earlier versions know six modes, and write 0 for what is finer. */
static void
older_members_have_a_mode_for_each(void **state)
{
	struct steering s;

	(void)state;
	assert_int_equal(mode_parse("least", &s), 0);
	assert_int_equal(s.mode, STEER_RANDOM);
	assert_int_equal(mode_of(&s), STEER_LEAST);
	s.finer = 0;
	assert_int_equal(mode_of(&s), STEER_RANDOM);
	assert_int_equal(mode_parse("byte=70", &s), 0);
	assert_int_equal(mode_older(&s), STEER_ADDRESS);
	assert_int_equal(mode_of(&s), STEER_BYTE);
	assert_int_equal(mode_offset(&s), 70);
	/* it was another mode's: no member means that */
	s.mode = STEER_CPU;
	assert_int_equal(mode_of(&s), STEER_CPU);
	assert_int_equal(mode_offset(&s), 0);
	s = (struct steering){ .mode = STEER_LEAST };
	assert_int_equal(mode_of(&s), STEER_HASH);
	s = (struct steering){ .finer = UINT32_MAX };
	assert_int_equal(mode_of(&s), STEER_HASH);
}

static void
a_mode_suits_connections_or_datagrams(void **state)
{
	struct steering s;

	(void)state;
	assert_int_equal(mode_parse("least", &s), 0);
	assert_int_equal(mode_suits(&s, false), 0);
	assert_int_equal(mode_suits(&s, true), -1);
	assert_int_equal(mode_parse("byte=1", &s), 0);
	assert_int_equal(mode_suits(&s, true), 0);
	assert_int_equal(mode_suits(&s, false), -1);
	assert_int_equal(fail_status(), STATUS_USAGE);
}

/* A member, and workers, on a registry of our own. */
static void
a_weight_is_of_the_name_or_its_base(void **state)
{
	struct registry *b = registry_private();
	struct steering s;
	int a, first, second, other;

	(void)state;
	assert_non_null(b);
	a = registry_claim(b, SLOT_MEMBER, "A", 0);
	first = registry_claim(b, SLOT_MEMBER, "A/1",
	    registry_slot(b, a)->process);
	second = registry_claim(b, SLOT_MEMBER, "A/2",
	    registry_slot(b, a)->process);
	other = registry_claim(b, SLOT_MEMBER, "B", 0);
	assert_true(a >= 0 && first >= 0 && second >= 0 && other >= 0);
	/* the hash: all are equal */
	assert_int_equal(mode_weight(b, a), 1);
	assert_int_equal(mode_weight(b, other), 1);
	assert_int_equal(mode_parse("A=70,A/1=5", &s), 0);
	assert_int_equal(mode_set(b, &s), 0);
	assert_int_equal(mode_weight(b, a), 70);
	assert_int_equal(mode_weight(b, first), 5);
	assert_int_equal(mode_weight(b, second), 70);
	/* a change is counted once, the same again not at all */
	{
		uint32_t serial = registry_shared(b)->steering.serial;

		assert_int_equal(mode_set(b, &s), 0);
		assert_int_equal(registry_shared(b)->steering.serial, serial);
		assert_int_equal(mode_parse("hash", &s), 0);
		assert_int_equal(mode_set(b, &s), 0);
		assert_int_equal(registry_shared(b)->steering.serial,
		    serial + 1);
	}
	registry_close(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mode_is_the_same_when_read_again),
		cmocka_unit_test(what_is_no_mode_is_refused),
		cmocka_unit_test(older_members_have_a_mode_for_each),
		cmocka_unit_test(a_mode_suits_connections_or_datagrams),
		cmocka_unit_test(a_weight_is_of_the_name_or_its_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
