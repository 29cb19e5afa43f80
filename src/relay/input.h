#ifndef RELAY_INPUT_H
#define RELAY_INPUT_H

#include "base/loop.h"

/* The input of a relay: standard input, of any file type. */
struct input {
	struct source source;
	bool none;		/* never read */
	bool terminal;		/* it has no end of its own */
	bool ended, gave;	/* gave: it had at least one byte */
	int64_t end_time;	/* loop_now() */
};

/* Bytes of input that were not delivered, and never will be. */
struct loss {
	uint64_t bytes;
	bool at_least;		/* there may be more */
};

/* The null device: a shell gives it to background jobs, as "no input". */
bool input_is_null(int fd);

/* Whether a read would return at once: data, the end, or an error. */
bool input_is_ready(int fd);

/* Adds to loss the bytes that wait in fd, without reading them. */
void input_left(int fd, struct loss *);

#endif
