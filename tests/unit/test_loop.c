#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/container.h"
#include "base/loop.h"

enum { TIMERS = 500 };

static struct loop loop;

/* A timer that notes the order in which it was called. */
struct noted {
	struct timer timer;
	int64_t when;
	int calls;
};

static struct noted noted[TIMERS];
static int64_t last;
static int left;

static void
on_noted(struct timer *t)
{
	struct noted *n = container_of(t, struct noted, timer);

	assert_true(n->when >= last);	/* in the order of their times */
	assert_true(loop_now() >= n->when);
	last = n->when;
	n->calls++;
	if (--left == 0)
		loop_stop(&loop);
}

static void
timers_are_called_in_order_and_once(void **state)
{
	int64_t now = loop_now();

	(void)state;
	assert_int_equal(loop_open(&loop), 0);
	srandom(7);
	left = 0;
	for (int i = 0; i < TIMERS; i++) {
		noted[i] = (struct noted){ .timer.on_timer = on_noted };
		/* set again at another time: only the last one counts */
		for (int j = 0; j < 3; j++) {
			noted[i].when = now + random() % 50000;
			assert_int_equal(loop_timer_set(&loop,
			    &noted[i].timer, noted[i].when), 0);
		}
		left++;
	}
	for (int i = 0; i < TIMERS; i += 3) {
		loop_timer_cancel(&loop, &noted[i].timer);
		left--;
	}
	assert_int_equal(loop_run(&loop), 0);
	for (int i = 0; i < TIMERS; i++)
		assert_int_equal(noted[i].calls, i % 3 != 0);
	assert_int_equal(loop.timers, 0);
	loop_close(&loop);
}

/* Two ends of a pipe: whichever is told first forgets the other. */
static struct source both[2];
static int events_seen;

static void
on_either(struct source *s, uint32_t events)
{
	(void)events;
	events_seen++;
	loop_del(&loop, s == &both[0] ? &both[1] : &both[0]);
	loop_del(&loop, s);
}

static void
on_end(struct timer *t)
{
	(void)t;
	loop_stop(&loop);
}

static void
a_source_that_is_forgotten_is_not_called(void **state)
{
	struct timer end = { .on_timer = on_end };
	int pipes[2][2];

	(void)state;
	assert_int_equal(loop_open(&loop), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe2(pipes[i], O_CLOEXEC), 0);
		assert_int_equal(write(pipes[i][1], "x", 1), 1);
		both[i] = (struct source){
			.fd = pipes[i][0], .on_event = on_either,
		};
		assert_int_equal(loop_watch(&loop, &both[i], EPOLLIN), 0);
	}
	events_seen = 0;
	assert_int_equal(loop_timer_set(&loop, &end, loop_now() + 20000), 0);
	assert_int_equal(loop_run(&loop), 0);
	assert_int_equal(events_seen, 1);
	loop_close(&loop);
	for (int i = 0; i < 4; i++)
		close(pipes[i / 2][i % 2]);
}

static int reads;

static void
on_file(struct source *s, uint32_t events)
{
	char byte;

	assert_true(events & EPOLLIN);
	if (read(s->fd, &byte, 1) == 1) {
		reads++;
		return;
	}
	loop_del(&loop, s);
	loop_stop(&loop);
}

/* epoll(7) refuses a regular file. */
static void
a_regular_file_is_always_ready(void **state)
{
	struct source s = {
		.fd = memfd_create("five", MFD_CLOEXEC), .on_event = on_file,
	};

	(void)state;
	assert_true(s.fd >= 0);
	assert_int_equal(write(s.fd, "five!", 5), 5);
	lseek(s.fd, 0, SEEK_SET);
	assert_int_equal(loop_open(&loop), 0);
	assert_int_equal(loop_watch(&loop, &s, EPOLLIN), 0);
	reads = 0;
	assert_int_equal(loop_run(&loop), 0);
	assert_int_equal(reads, 5);
	loop_close(&loop);
	close(s.fd);
}

static void
times_for_poll_are_rounded_up(void **state)
{
	(void)state;
	assert_int_equal(loop_ms_until(INT64_MAX), -1);
	assert_int_equal(loop_ms_until(loop_now() - 1), 0);
	/* else a loop would spin through the last millisecond */
	assert_true(loop_ms_until(loop_now() + 1500000) > 1000);
	assert_true(loop_ms_until(loop_now() + 500) >= 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_are_called_in_order_and_once),
		cmocka_unit_test(a_source_that_is_forgotten_is_not_called),
		cmocka_unit_test(a_regular_file_is_always_ready),
		cmocka_unit_test(times_for_poll_are_rounded_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
