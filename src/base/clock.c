#include "base/clock.h"

#include <sys/timex.h>
#include <time.h>

static int64_t
clock_read(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int64_t
clock_ns(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

uint32_t
clock_ms(void)
{
	return (uint32_t)(clock_ns() / 1000000);
}

int64_t
clock_cpu_ns(void)
{
	return clock_read(CLOCK_THREAD_CPUTIME_ID);
}

int
clock_error_read(struct clock_error *e)
{
	struct timex t = { .modes = 0 };
	int state = adjtimex(&t);

	if (state < 0)
		return -1;
	*e = (struct clock_error){
		.synchronized = state != TIME_ERROR &&
		    !(t.status & STA_UNSYNC),
		.estimated = (double)t.esterror / 1e6,
		.maximum = (double)t.maxerror / 1e6,
	};
	return 0;
}
