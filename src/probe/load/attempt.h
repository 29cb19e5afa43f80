#ifndef PROBE_LOAD_ATTEMPT_H
#define PROBE_LOAD_ATTEMPT_H

#include "probe/load/ground.h"

/*
 * One connection (or datagram and its reply), from start to end. The struct is
 * in ground.h; on_end there tells when it is over.
 */

/* intended: since when its latency counts; 0: now. */
void attempt_start(struct attempt *, uint64_t id, int64_t intended);

/* Gives up connecting after that, if it would not sooner. */
void attempt_hasten(struct attempt *, int64_t microseconds);

/* Does what is due by now; when the next thing is, or 0. */
int64_t attempt_tick(struct attempt *, int64_t now);

/* Closes it without a result. */
void attempt_drop(struct attempt *);

#endif
