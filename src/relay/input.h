#ifndef RELAY_INPUT_H
#define RELAY_INPUT_H

#include "base/loop.h"

/* The input of a relay: standard input, of any file type. */
struct input {
	struct source source;
	bool none;		/* it is never read */
	bool terminal;		/* which has no end of its own */
	bool ended, gave;	/* gave: a byte at least */
	int64_t end_time;
};

/* Bytes that were not delivered, or cannot be any more. */
struct loss {
	uint64_t bytes;
	bool at_least;		/* there may be more */
};

/* The null device: in a background job of a script, it stands for no input. */
bool input_is_null(int fd);

/* Whether a read would not wait. */
bool input_is_ready(int fd);

/* Adds what can be read from fd without waiting, and leaves it there. */
void input_left(int fd, struct loss *);

#endif
