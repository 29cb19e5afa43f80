#include "serve/workload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fail.h"
#include "base/num.h"

static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
workload_burn(int64_t us)
{
	int64_t end = cpu_ns() + us * 1000;

	while (cpu_ns() < end)
		continue;
}

static void
workload_stall(int64_t us)
{
	struct timespec left = { us / 1000000, us % 1000000 * 1000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		continue;
}

int
workload_read(struct workload *w, const char *text)
{
	const char *colon = strchr(text, ':');
	int64_t every;
	char time[32];

	if (colon && colon - text < (int)sizeof(time)) {
		snprintf(time, sizeof(time), "%.*s", (int)(colon - text),
		    text);
		if (duration_parse(time, &w->stall) == 0 && w->stall > 0 &&
		    num_parse(colon + 1, 1, INT32_MAX, &every) == 0) {
			w->every = (uint64_t)every;
			return 0;
		}
	}
	return fail_as(STATUS_USAGE, "%.40s: want TIME:EVERY such as "
	    "20ms:200, for a stall every 200 requests", text);
}

bool
workload_is_light(const struct workload *w)
{
	return !w->work && !w->every;
}

void
workload_run(struct workload *w)
{
	if (w->work)
		workload_burn(w->work);
	if (w->every && ++w->requests % w->every == 0)
		workload_stall(w->stall);
}
