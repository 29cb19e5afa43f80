#ifndef BASE_SINK_H
#define BASE_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"

/*
 * A sink writes to stdout or stderr and never blocks the loop. The shell shares
 * the flags of these descriptors, so O_NONBLOCK is not set on them. Instead a
 * pipe or terminal is opened a second time. If that is refused, each write has
 * at most the bytes for which poll(2) promises room.
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
	bool keeps;		/* drops nothing now, even if it is lossy */
	bool no_socket;		/* send(2) has said so: write(2) then */
	unsigned corked;	/* writes are only queued */
	bool awaited;		/* counts as full: see sink_wait() */
	bool failed;		/* broken: on_fail has reported the fault */
	bool ending;		/* nothing more will be written */
	struct timer hang_up;	/* the reader has gone; nothing is queued */
	int fd;			/* the user's descriptor */
	char *queue;		/* bytes not yet written */
	size_t start, length, room;
	size_t dropped;		/* lines that a lossy sink lost */
	bool lost;		/* it has lost some, or is broken */
	struct sink *beside;	/* full counts for both; or NULL */
	int64_t wrote;		/* when the reader last took bytes */
	void (*on_drained)(struct sink *);
	void (*on_fail)(struct sink *);		/* see fail_text() */
};

/*
 * Makes s write to fd. A lossy sink (diagnostics) drops whole writes when its
 * reader is far behind, and reports how many lines these had; but not those of
 * a caller that sets keeps. Any other keeps all bytes: callers ask sink_full().
 */
int sink_open(struct sink *s, struct loop *l, int fd, bool lossy);
void sink_close(struct sink *);

/* After the last write: fd_settle(). -1: broken, and reported. */
int sink_settle(struct sink *);

/* Writes what it can now, and queues the rest. -1: broken, and reported. */
int sink_write(struct sink *, const void *data, size_t length);

/*
 * The caller will write no more. Closes the descriptor when all is out, so that
 * its reader sees the end of file although this process goes on.
 */
void sink_end(struct sink *);

/*
 * Between the two calls, writes are collected, and go out together; calls nest.
 * Use it only for data already in memory: a corked sink is never full.
 */
void sink_cork(struct sink *);
void sink_uncork(struct sink *);

/*
 * For code that writes to the descriptor itself. sink_wait(): the write found
 * no room, so the sink counts as full until there is some. sink_break(): a
 * write failed with errno, which is reported as the sink's fault.
 */
int sink_wait(struct sink *);
void sink_break(struct sink *);

/* Whether bytes are queued: then stop reading the input that feeds it. */
bool sink_full(const struct sink *);
/* Whether its reader has taken nothing for a moment. */
bool sink_stuck(const struct sink *);

/*
 * Writes all that is queued, and waits for the reader until it has taken
 * nothing for this many milliseconds (-1: no limit), or until stop_fd (-1:
 * none) is readable. Returns -1 if something is left.
 */
int sink_flush(struct sink *, int patience_ms, int stop_fd);

#endif
