#ifndef RELAY_INPUT_H
#define RELAY_INPUT_H

#include <sys/types.h>

#include "base/loop.h"

/* The input of a relay: standard input, of any file type. */
struct input {
	struct source source;
	bool none;		/* never read */
	bool terminal;		/* it has no end of its own */
	bool ended, gave;	/* gave: it had at least one byte */
	bool failed;		/* it ended by an error of read(2) */
	/* Only if there is a delay between lines: */
	char *held;		/* bytes read, but not given yet */
	size_t length;
	int64_t next;		/* loop_now(): the next line not before */
	struct timer pause;	/* until then, or in the background */
};

/* Bytes of input that were not delivered, and never will be. */
struct loss {
	uint64_t bytes;
	bool at_least;		/* there may be more */
};

/* The null device: a shell gives it to background jobs, as "no input". */
bool input_is_null(int fd);

/* Makes room for input_line(). -1: see fail_text(). */
int input_hold(struct input *);
/*
 * Like read(2), but gives one line, or what is left at the end. A longer line
 * than `most` comes in pieces. The next line is for `delay` later (in->next).
 * -1: errno; EAGAIN: the rest of the line has not come yet.
 */
ssize_t input_line(struct input *, char *room, size_t most, int64_t delay);
/* Whether input_line() has a line without a read(2). */
bool input_has_line(const struct input *);

/*
 * Whether another job has the terminal: a read would stop this process, and what
 * is typed is for that job. No signal tells when this changes.
 */
bool input_is_withheld(const struct input *);

/* Whether a read would return at once: data, the end, or an error. */
bool input_is_ready(int fd);

/* Adds to loss the bytes that wait in fd, without reading them. */
void input_left(int fd, struct loss *);

#endif
