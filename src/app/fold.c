#include "app/fold.h"

#include "base/container.h"

enum { LINES = 10, SECOND_US = 1000 * 1000 };

static void
fold_flush(struct fold *f)
{
	if (f->connected || f->closed)
		f->on_flush(f);
	f->connected = f->closed = 0;
	f->lines = 0;
}

static void
on_second(struct timer *timer)
{
	fold_flush(container_of(timer, struct fold, timer));
}

bool
fold_takes(struct fold *f, struct loop *l, bool closed)
{
	int64_t now = loop_now();

	if (now - f->since >= SECOND_US) {
		fold_end(f, l);
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
fold_end(struct fold *f, struct loop *l)
{
	loop_timer_cancel(l, &f->timer);
	fold_flush(f);
}
