#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The clocks of rpnc. clock_ns() measures: latencies, pace, ages. loop_now() is
 * the same clock in microseconds, for timers and deadlines. The time of day
 * (CLOCK_REALTIME, time(3)) is only shown: in events, and as the time when a
 * member joined.
 */

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t clock_ns(void);
/* The same in milliseconds, modulo 2^32, as processes share it. */
uint32_t clock_ms(void);

/*
 * How far the time of day may be off, in seconds, as what sets it says to the
 * kernel: adjtimex(2), esterror and maxerror.
 */
struct clock_error {
	bool synchronized;		/* else the two mean little */
	double estimated, maximum;
};

/* -1: the kernel does not say, as in many containers. */
int clock_error_read(struct clock_error *);

/* Nanoseconds for which this thread has had a processor. */
int64_t clock_cpu_ns(void);

#endif
