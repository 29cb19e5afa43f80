/* What --compare says of its figures: test_compare_verdict.c has the rules. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ops/compare_results.h"

static struct compare_results *all;
static struct compare_conclusion *told;

/* All models alike, in all rounds. */
static int
level(void **state)
{
	(void)state;
	all = calloc(1, sizeof(*all));
	told = calloc(1, sizeof(*told));
	if (!all || !told)
		return -1;
	all->rounds = COMPARE_ROUNDS;
	for (int m = 0; m < COMPARE_MODELS; m++)
		for (int p = 0; p < COMPARE_PHASES; p++)
			for (int i = 0; i < COMPARE_ROUNDS; i++) {
				all->at[m][p].rate[i] = 10000;
				all->at[m][p].p99[i] = 1000;
				all->at[m][p].cpu[i] = 60;
			}
	return 0;
}

static int
clear(void **state)
{
	(void)state;
	free(all);
	free(told);
	return 0;
}

static struct compare_rounds *
reuseport(enum compare_phase phase)
{
	return &all->at[COMPARE_REUSEPORT][phase];
}

static const char *
sentence(void)
{
	compare_conclude(told, all);
	return told->report.advice[0];
}

static void
assert_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in: %s", part, text);
}

/* 5 to 25 times, each time, while one other measure is noise. */
static void
noise_in_one_measure_leaves_what_another_shows(void **state)
{
	static const double stalling[] = { 5, 25, 9, 12, 7 },
	    noise[] = { 0.2, 4, 0.3, 3, 1 };

	(void)state;
	for (int i = 0; i < COMPARE_ROUNDS; i++) {
		reuseport(COMPARE_STALL)->p99[i] *= stalling[i];
		reuseport(COMPARE_BUSY)->p99[i] *= noise[i];
	}
	assert_in(sentence(), "INCONCLUSIVE: the rounds differ too much to "
	    "judge p99, but SO_REUSEPORT is worse in stalling p99 (5 to 25 "
	    "times)");
	assert_string_equal(told->report.verdict, "inconclusive");
	for (int i = 0; i < COMPARE_ROUNDS; i++)
		reuseport(COMPARE_STALL)->p99[i] = 1000 / stalling[i];
	assert_in(sentence(), "but SO_REUSEPORT is better in stalling p99 (5 "
	    "to 25 times)");
	for (int i = 0; i < COMPARE_ROUNDS; i++)
		reuseport(COMPARE_STALL)->p99[i] = 1000;
	assert_in(sentence(), "judge p99; try");
}

/* Attempts that failed were another load: then nothing is firm. */
static void
a_verdict_says_by_how_much(void **state)
{
	(void)state;
	for (int i = 0; i < COMPARE_ROUNDS; i++)
		reuseport(COMPARE_STALL)->p99[i] *= 4 + i;
	assert_in(sentence(), "not worth it here: worse in stalling p99 (4 to "
	    "8 times)");
	/* one round of five may be on the other side */
	reuseport(COMPARE_STALL)->p99[0] = 500;
	assert_in(sentence(), "worse in stalling p99 (6 times in the median)");
	reuseport(COMPARE_STALL)->p99[0] = 4000;
	for (int i = 0; i < COMPARE_ROUNDS; i++)
		reuseport(COMPARE_BUSY)->rate[i] *= 1.5;
	assert_in(sentence(), "It depends: SO_REUSEPORT is better in "
	    "connections/s (1.5 times) and worse in stalling p99 (4 to 8 "
	    "times)");
	all->failed = 1;
	assert_in(sentence(), "INCONCLUSIVE: attempts failed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    noise_in_one_measure_leaves_what_another_shows, level,
		    clear),
		cmocka_unit_test_setup_teardown(a_verdict_says_by_how_much,
		    level, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
