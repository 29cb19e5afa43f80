#include "cmd/probe_at.h"

#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "app/app.h"
#include "app/emit.h"
#include "base/container.h"
#include "base/date.h"
#include "base/num.h"

#define LONGEST_US (7 * 24 * 3600 * INT64_C(1000000))
#define LATE_US (60 * INT64_C(1000000))

struct start_time {
	struct source timer;		/* a timerfd of CLOCK_REALTIME */
	struct app *app;
};

int
probe_at_check(const struct settings *s)
{
	int64_t now = event_now(), when;
	char text[NUM_TEXT];

	if (!s->at)
		return 0;
	if (date_parse(s->at, now, &when) < 0)
		return fail_as(STATUS_USAGE, "--at %.40s: want a time such as "
		    "2026-11-30T14:00:00Z, or +30s", s->at);
	if (now - when > LATE_US)
		return fail_as(STATUS_USAGE, "--at %.40s: that was %s ago",
		    s->at, duration_text(now - when, text));
	if (when - now > LONGEST_US)
		return fail_as(STATUS_USAGE, "--at %.40s: that is over a week "
		    "from now", s->at);
	return 0;
}

static void
on_time(struct source *s, uint32_t events)
{
	(void)events;
	loop_stop(&container_of(s, struct start_time, timer)->app->loop);
}

/* A host that is late begins at once: its part is better than none. */
static void
print_start_time(struct app *a, int64_t when)
{
	char line[TIME_TEXT + NUM_TEXT + 40], time[TIME_TEXT], text[NUM_TEXT];
	int64_t late = event_now() - when;

	if (late > 0) {
		snprintf(line, sizeof(line), "--at was %s ago: this starts "
		    "late", duration_text(late, text));
		emit_notice(a, line);
		return;
	}
	if (a->settings->json || a->settings->quiet)
		return;
	snprintf(line, sizeof(line), "starts at %s, in %s\n",
	    time_text(when, time), duration_text(-late, text));
	app_print(a, line, true);
}

static int
timer_open(struct start_time *t, int64_t when)
{
	const struct itimerspec at = { .it_value = { when / 1000000,
	    when % 1000000 * 1000 } };

	t->timer.on_event = on_time;
	t->timer.fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (t->timer.fd < 0 || timerfd_settime(t->timer.fd, TFD_TIMER_ABSTIME,
	    &at, NULL) < 0)
		return fail("--at");
	return loop_watch(&t->app->loop, &t->timer, EPOLLIN);
}

int
probe_at_wait(struct app *a)
{
	void (*on_signal)(struct app *, const struct signalfd_siginfo *) =
	    a->on_signal;
	struct start_time t = { .timer.fd = -1, .app = a };
	int64_t when;
	int result;

	if (!a->settings->at ||
	    date_parse(a->settings->at, event_now(), &when) < 0)
		return 0;
	print_start_time(a, when);
	a->on_signal = NULL;
	result = timer_open(&t, when);
	if (result == 0)
		result = loop_run(&a->loop);
	loop_del(&a->loop, &t.timer);
	if (t.timer.fd >= 0)
		close(t.timer.fd);
	a->on_signal = on_signal;
	a->loop.stopped = a->ended_by != 0;
	return result < 0 ? -1 : a->ended_by != 0;
}
