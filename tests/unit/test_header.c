#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include "base/fail.h"	/* before its name is a macro */

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/container.h"
#include "terminal/header.h"

enum { PAUSE_MS = 300 };

static struct loop loop;
static struct sink sink;
static int terminal, user;
static int draws;

/* Waits as if other processes had the processor. */
static char *
draw_slowly(struct header *h, int columns, int lines)
{
	(void)h, (void)columns, (void)lines;
	draws++;
	poll(NULL, 0, PAUSE_MS);
	return strdup("line\n");
}

static int
setup(void **state)
{
	(void)state;
	user = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (user < 0 || grantpt(user) < 0 || unlockpt(user) < 0)
		return -1;
	terminal = open(ptsname(user), O_RDWR | O_NOCTTY | O_CLOEXEC);
	return terminal < 0 || loop_open(&loop) < 0 ||
	    sink_open(&sink, &loop, terminal, true) < 0;
}

static int
teardown(void **state)
{
	(void)state;
	sink_close(&sink);
	loop_close(&loop);
	return close(terminal) | close(user);
}

/* On a busy machine a screen would else stand still for many seconds. */
static void
test_time_of_others_is_no_cost(void **state)
{
	struct header h = {
		.loop = &loop, .out = &sink, .terminal = terminal,
		.draw = draw_slowly,
	};

	(void)state;
	header_open(&h);
	assert_int_equal(draws, 1);
	assert_in_range(h.cost, 0, PAUSE_MS * 1000 / 2);
	header_close(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_of_others_is_no_cost),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
