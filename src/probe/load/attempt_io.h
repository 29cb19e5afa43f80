#ifndef PROBE_LOAD_ATTEMPT_IO_H
#define PROBE_LOAD_ATTEMPT_IO_H

#include "probe/load/ground.h"

/*
 * The second half of an attempt: what is said, and the end. Whatever is
 * called may end the attempt, and by on_end start it anew.
 */

/* Sends and reads until the dialogue is done. */
void attempt_io_start(struct attempt *);
void attempt_io(struct attempt *);
/* -1: that ended it. */
int attempt_io_push(struct attempt *);
bool attempt_io_has_more(const struct attempt *);
/* Time is up for what was waited for last. */
void attempt_io_silence(struct attempt *);
/* All was said: FIN, and what comes is read away to the peer's end. */
void attempt_io_part(struct attempt *);
void attempt_io_drain(struct attempt *);
/* The peer's end was not seen. */
void attempt_io_leave(struct attempt *);

/* Tells the result. by: what errno says. */
void attempt_io_end(struct attempt *, enum outcome, int error);
void attempt_io_end_by(struct attempt *, int error);
void attempt_io_release(struct attempt *);

/* The stage's limit; attempt_tick() is wanted in so many nanoseconds. */
void attempt_io_limit(struct attempt *, int64_t microseconds);
void attempt_io_wake_in(struct attempt *, int64_t ns);

#endif
