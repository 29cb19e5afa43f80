#ifndef PROBE_LOAD_ATTEMPT_IO_H
#define PROBE_LOAD_ATTEMPT_IO_H

#include "probe/load/ground.h"

/*
 * The second half of an attempt: what is said, and the end. Whatever is
 * called may end the attempt, and by on_end start it anew.
 */

/* Sends and reads until the dialogue is done. */
void converse_start(struct attempt *);
void converse(struct attempt *);
/* -1: that ended it. */
int converse_push(struct attempt *);
bool converse_has_more(const struct attempt *);
/* Time is up for what was waited for last. */
void converse_silence(struct attempt *);
/* All was said: FIN, and what comes is read away to the peer's end. */
void converse_part(struct attempt *);
void converse_drain(struct attempt *);
/* The peer's end was not seen. */
void converse_leave(struct attempt *);

/* Tells the result. by: what errno says. */
void converse_end(struct attempt *, enum outcome, int error);
void converse_end_by(struct attempt *, int error);
void converse_release(struct attempt *);

/* The stage's limit; attempt_tick() is wanted in so many nanoseconds. */
void converse_limit(struct attempt *, int64_t microseconds);
void converse_wake_in(struct attempt *, int64_t ns);

#endif
