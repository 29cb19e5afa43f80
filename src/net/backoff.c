#include "net/backoff.h"

#include <errno.h>

#include "base/container.h"

enum {
	ERRORS_MAX = 64,		/* clients' errors in a row */
	PAUSE_FIRST_US = 100 * 1000,
	PAUSE_MAX_US = 1000 * 1000,
	REPORT_AGAIN_US = 60 * 1000 * 1000,
};

/* Whether it is a client's error: accept(2), section "Error handling". */
static bool
is_of_client(int error)
{
	switch (error) {
	case EINTR: case ECONNABORTED: case ECONNREFUSED: case ECONNRESET:
	case EHOSTDOWN: case EHOSTUNREACH: case ENETDOWN: case ENETUNREACH:
	case ENONET: case ENOPROTOOPT: case EOPNOTSUPP: case EPROTO:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

static void
on_timer(struct timer *t)
{
	struct backoff *b = container_of(t, struct backoff, timer);

	b->on_end(b);
}

void
backoff_rest(struct backoff *b, struct loop *l)
{
	b->pause = !b->pause ? PAUSE_FIRST_US : b->pause < PAUSE_MAX_US / 2 ?
	    b->pause * 2 : PAUSE_MAX_US;
	b->errors = 0;
	b->timer.on_timer = on_timer;
	if (b->on_end)
		loop_timer_set(l, &b->timer, loop_now() + b->pause);
}

enum backoff_step
backoff_failed(struct backoff *b, struct loop *l)
{
	int error = errno;

	if (error == EAGAIN)
		return BACKOFF_EMPTY;
	if (is_of_client(error) && ++b->errors < ERRORS_MAX)
		return BACKOFF_NEXT;
	backoff_rest(b, l);
	errno = error;
	return BACKOFF_REST;
}

void
backoff_worked(struct backoff *b)
{
	b->errors = 0;
	b->pause = 0;
}

bool
backoff_rests(const struct backoff *b)
{
	return b->timer.at != 0;
}

void
backoff_cancel(struct backoff *b, struct loop *l)
{
	loop_timer_cancel(l, &b->timer);
}

bool
backoff_is_due(int64_t *reported)
{
	int64_t now = loop_now(), last = __atomic_load_n(reported,
	    __ATOMIC_RELAXED);

	if (last && now - last < REPORT_AGAIN_US)
		return false;
	return __atomic_compare_exchange_n(reported, &last, now, false,
	    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
