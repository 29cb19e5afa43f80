#ifndef BASE_SINK_H
#define BASE_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"

/*
 * Where bytes leave the process: stdout or stderr. A write never blocks the
 * loop, though the user's descriptor is left as it is, for the shell shares
 * its flags: a pipe or a terminal is opened a second time, and where that is
 * refused pieces go out that fit what poll(2) promises.
 *
 * A reader that has gone breaks the sink: at once if something is due, else a
 * quarter of a second later. tar(1) stops reading at the end of its archive,
 * just before the peer says its own end: if that comes first, nothing failed.
 */
struct sink {
	struct source source;
	struct loop *loop;
	bool own, atomic, lossy;
	unsigned corked;	/* what is written is only queued */
	bool awaited;		/* full, though nothing is queued */
	bool failed;		/* broken: the fault was told by on_fail */
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

/* Writes now what can be, queues the rest. -1: broken, and it was told. */
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
 * For what is written to its descriptor by other means: that was found full,
 * and counts as such until there is room; or it failed, with errno, which is
 * told as for a write.
 */
int sink_wait(struct sink *);
void sink_break(struct sink *);

/* Whether something is queued: the time to stop reading what feeds it. */
bool sink_full(const struct sink *);
/* Whether its reader takes nothing now, and took nothing for a moment. */
bool sink_stuck(const struct sink *);

/*
 * Writes out all that is queued, waiting for its reader: so many milliseconds
 * without any progress (-1: as long as it takes), or until stop_fd (or -1) is
 * readable. Returns -1 if something is left.
 */
int sink_flush(struct sink *, int patience_ms, int stop_fd);

#endif
