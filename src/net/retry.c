#include "net/retry.h"

#include <time.h>

#include "base/loop.h"

bool
retry_sleep(struct retry *r)
{
	int64_t left = r->end - loop_now();
	int64_t us = r->pause < left ? r->pause : left;
	const struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	if (left <= 0)
		return false;
	nanosleep(&t, NULL);
	r->pause = r->pause * 2 < r->most ? r->pause * 2 : r->most;
	return true;
}
