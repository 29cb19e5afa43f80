#ifndef NET_BACKOFF_H
#define NET_BACKOFF_H

#include "base/loop.h"

/*
 * A server's reaction to errors of accept(2) and recvmmsg(2). A network error
 * of one client (accept(2) lists them) is ignored. Any other error, or many of
 * these in a row, is exhaustion: descriptors or memory have run out, or a
 * filter refuses the call. Then the socket rests for a pause that doubles until
 * a call works.
 */

enum backoff_step {
	BACKOFF_EMPTY,		/* nothing is queued now */
	BACKOFF_NEXT,		/* the next call may work */
	BACKOFF_REST,		/* no call until on_end() */
};

struct backoff {
	struct timer timer;
	unsigned errors;		/* in a row */
	int64_t pause;			/* the last one, us; 0: none yet */
	/* The pause is over; NULL: the caller sleeps by itself. */
	void (*on_end)(struct backoff *);
};

/* A call has failed with errno. May begin a rest; on_end() ends it. */
enum backoff_step backoff_failed(struct backoff *, struct loop *);
/* Begins a rest. */
void backoff_rest(struct backoff *, struct loop *);
void backoff_worked(struct backoff *);
bool backoff_rests(const struct backoff *);
/* Ends the rest, if there is one, without on_end(). */
void backoff_cancel(struct backoff *, struct loop *);

/*
 * Whether to report now: the first time, then at most once a minute. Processes
 * may share *reported.
 */
bool backoff_is_due(int64_t *reported);

#endif
