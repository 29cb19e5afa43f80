#include "app/rate_limit.h"

#include "base/container.h"

enum { LINES = 10, SECOND_US = 1000 * 1000 };

static void
rate_limit_flush(struct rate_limit *f)
{
	if (f->connected || f->closed)
		f->on_flush(f);
	f->connected = f->closed = 0;
	f->lines = 0;
}

static void
on_second(struct timer *timer)
{
	rate_limit_flush(container_of(timer, struct rate_limit, timer));
}

bool
rate_limit_takes(struct rate_limit *f, struct loop *l, bool closed)
{
	int64_t now = loop_now();

	if (now - f->since >= SECOND_US) {
		rate_limit_end(f, l);
		f->since = now;
	}
	if (f->lines < LINES) {
		f->lines++;
		return false;
	}
	f->timer.on_timer = on_second;
	if (!f->timer.at && loop_timer_set(l, &f->timer,
	    f->since + SECOND_US) < 0)
		return false;
	f->connected += !closed;
	f->closed += closed;
	return true;
}

void
rate_limit_end(struct rate_limit *f, struct loop *l)
{
	loop_timer_cancel(l, &f->timer);
	rate_limit_flush(f);
}
