#ifndef BASE_SINK_H
#define BASE_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"

/*
 * A sink writes to stdout or stderr and never blocks the loop. The shell shares
 * the flags of these descriptors, so O_NONBLOCK is not set on them: a pipe or a
 * terminal is opened a second time, and if that is refused, only as much is
 * written at once as poll(2) promises to take.
 *
 * A sink breaks if its reader has gone: at once if bytes are queued, else a
 * quarter of a second later. tar(1) stops reading at the end of its archive,
 * just before the peer's end of file arrives; if that comes in time, nothing
 * has failed.
 */
struct sink {
	struct source source;
	struct loop *loop;
	bool own, atomic, lossy;
	unsigned corked;	/* what is written is only queued */
	bool awaited;		/* full, though nothing is queued */
	bool failed;		/* broken: on_fail has reported the fault */
	bool ending;		/* nothing more will be written */
	struct timer hang_up;	/* the reader has gone, and nothing is due */
	int fd;			/* the user's descriptor */
	char *queue;		/* what is not written yet */
	size_t start, length, room;
	size_t dropped;		/* lines that a full lossy sink lost */
	int64_t wrote;		/* when it last took something */
	void (*on_drained)(struct sink *);
	void (*on_fail)(struct sink *);		/* see fail_text() */
};

/*
 * Makes s write to fd. A lossy sink (diagnostics) drops whole writes when
 * its reader is far behind; any other keeps all: ask sink_full().
 */
int sink_open(struct sink *s, struct loop *l, int fd, bool lossy);
void sink_close(struct sink *);

/*
 * Writes what it can now, queues the rest. -1: broken, and that was reported.
 */
int sink_write(struct sink *, const void *data, size_t length);

/*
 * Nothing more will be written: closes the descriptor once all is out, so
 * that whoever reads from it sees the end though this process goes on.
 */
void sink_end(struct sink *);

/*
 * Between these, what is written is only collected, to go out at once; they
 * nest. It is for what is in hand already: a corked sink is never full.
 */
void sink_cork(struct sink *);
void sink_uncork(struct sink *);

/*
 * For code that writes to the descriptor itself: it was full, and counts as
 * full until there is room; or a write failed with errno, which is reported as
 * a fault of the sink.
 */
int sink_wait(struct sink *);
void sink_break(struct sink *);

/* Whether something is queued: the time to stop reading what feeds it. */
bool sink_full(const struct sink *);
/* Whether its reader takes nothing now, and took nothing for a moment. */
bool sink_stuck(const struct sink *);

/*
 * Writes all that is queued, and waits for the reader until it has taken
 * nothing for this many milliseconds (-1: no limit), or until stop_fd (-1:
 * none) is readable. Returns -1 if something is left.
 */
int sink_flush(struct sink *, int patience_ms, int stop_fd);

#endif
