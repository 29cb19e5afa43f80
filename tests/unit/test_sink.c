#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include "base/fail.h"	/* before its name is a macro */

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/container.h"
#include "base/sink.h"

enum { MUCH = 1 << 20 };

static struct loop loop;
static struct sink sink;
static int ends[2], drained, failures;
static char data[MUCH], got[MUCH + 4096];

static void
on_drained(struct sink *s)
{
	(void)s;
	drained++;
	loop_stop(&loop);
}

static void
on_fail(struct sink *s)
{
	(void)s;
	failures++;
	loop_stop(&loop);
}

static int
open_pipe(bool lossy)
{
	for (size_t i = 0; i < MUCH; i++)
		data[i] = (char)(i * 2654435761u >> 11);
	signal(SIGPIPE, SIG_IGN);
	drained = failures = 0;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(loop_open(&loop), 0);
	assert_int_equal(sink_open(&sink, &loop, ends[1], lossy), 0);
	sink.on_drained = on_drained;
	sink.on_fail = on_fail;
	return 0;
}

static void
close_pipe(void)
{
	sink_close(&sink);
	loop_close(&loop);
	close(ends[0]);
	close(ends[1]);
}

/* Reads what is there now: how much. */
static size_t
read_some(size_t most)
{
	ssize_t n = read(ends[0], got, most);

	assert_true(n >= 0);
	return (size_t)n;
}

/* A reader in the loop. It compares all, and more is written as it reads. */
struct reader {
	struct source source;
	size_t written, taken;
};

static void
on_readable(struct source *s, uint32_t events)
{
	struct reader *r = container_of(s, struct reader, source);
	ssize_t n = read(s->fd, got, 5000);

	(void)events;
	assert_true(n > 0);
	assert_memory_equal(got, data + r->taken, (size_t)n);
	r->taken += (size_t)n;
	n = MUCH - (ssize_t)r->written < 7000 ?
	    MUCH - (ssize_t)r->written : 7000;
	assert_int_equal(sink_write(&sink, data + r->written, (size_t)n), 0);
	r->written += (size_t)n;
	if (r->taken == MUCH) {
		loop_del(&loop, s);
		loop_stop(&loop);
	}
}

static void
what_does_not_fit_is_kept_in_order(void **state)
{
	struct reader r = {
		.source.on_event = on_readable, .written = MUCH / 4,
	};

	(void)state;
	open_pipe(false);
	r.source.fd = ends[0];
	assert_int_equal(sink_write(&sink, data, 7), 0);
	assert_false(sink_full(&sink));
	assert_int_equal(sink_write(&sink, data + 7, MUCH / 4 - 7), 0);
	assert_true(sink_full(&sink));
	assert_int_equal(loop_watch(&loop, &r.source, EPOLLIN), 0);
	while (r.taken < MUCH || sink_full(&sink)) {
		loop.stopped = false;
		assert_int_equal(loop_run(&loop), 0);
	}
	assert_int_equal(r.taken, MUCH);
	assert_true(drained > 0);
	assert_int_equal(failures, 0);
	close_pipe();
}

/* The user's descriptor is shared with the shell: its flags stay. */
static void
the_callers_descriptor_keeps_its_flags(void **state)
{
	(void)state;
	open_pipe(false);
	assert_int_equal(sink_write(&sink, data, MUCH), 0);
	assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	close_pipe();
}

static void
a_cork_collects(void **state)
{
	int queued = 0;

	(void)state;
	open_pipe(false);
	sink_cork(&sink);
	sink_cork(&sink);
	assert_int_equal(sink_write(&sink, "ab", 2), 0);
	sink_uncork(&sink);
	assert_false(sink_full(&sink));
	assert_int_equal(sink_write(&sink, "cd", 2), 0);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	queued = (int)read(ends[0], got, 16);
	assert_int_equal(queued, -1);
	assert_int_equal(errno, EAGAIN);
	sink_uncork(&sink);
	assert_int_equal(read_some(16), 4);
	assert_memory_equal(got, "abcd", 4);
	close_pipe();
}

static void
a_lossy_one_drops_whole_writes(void **state)
{
	static char line[1000];
	size_t writes = 0, kept;

	(void)state;
	open_pipe(true);
	memset(line, 'x', sizeof(line));
	line[99] = line[sizeof(line) - 1] = '\n';
	while (!sink.dropped) {
		assert_int_equal(sink_write(&sink, line, sizeof(line)), 0);
		assert_true(++writes < 2000);
	}
	kept = sink.length;
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	for (;;) {
		ssize_t n = read(ends[0], got, sizeof(got));

		if (n < 0)
			break;
		kept += (size_t)n;
	}
	assert_int_equal(kept, (writes - 1) * sizeof(line));
	assert_int_equal(sink.dropped, 2);	/* lines, of one write */
	assert_int_equal(failures, 0);
	close_pipe();
}

/* Else it would break, although nothing is to be written. */
static void
a_lossy_one_sees_no_hang_up_while_it_is_idle(void **state)
{
	(void)state;
	open_pipe(true);
	assert_false(sink.source.watched);
	assert_int_equal(sink_write(&sink, data, 100000), 0);
	assert_true(sink.source.watched);
	assert_true(read_some(MUCH) > 0);
	assert_int_equal(loop_run(&loop), 0);
	assert_int_equal(drained, 1);
	assert_false(sink.source.watched);
	close_pipe();
}

/* With something due it breaks at the write; the fault names stdout. */
static void
a_reader_that_has_gone_breaks_it(void **state)
{
	(void)state;
	open_pipe(false);
	close(ends[0]);
	assert_int_equal(sink_write(&sink, "x", 1), -1);
	assert_int_equal(failures, 1);
	assert_non_null(strstr(fail_text(), "stdout"));
	/* it is told once */
	assert_int_equal(sink_write(&sink, "x", 1), -1);
	assert_int_equal(failures, 1);
	ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close_pipe();
}

static void
a_flush_waits_no_longer_than_it_may(void **state)
{
	(void)state;
	open_pipe(false);
	assert_int_equal(sink_write(&sink, data, MUCH), 0);
	assert_int_equal(sink_flush(&sink, 10, -1), -1);
	/* a descriptor that is readable ends it as well */
	assert_int_equal(sink_flush(&sink, -1, ends[0]), -1);
	close_pipe();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_fit_is_kept_in_order),
		cmocka_unit_test(the_callers_descriptor_keeps_its_flags),
		cmocka_unit_test(a_cork_collects),
		cmocka_unit_test(a_lossy_one_drops_whole_writes),
		cmocka_unit_test(a_lossy_one_sees_no_hang_up_while_it_is_idle),
		cmocka_unit_test(a_reader_that_has_gone_breaks_it),
		cmocka_unit_test(a_flush_waits_no_longer_than_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
