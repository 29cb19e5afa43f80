#ifndef TERMINAL_KEYS_H
#define TERMINAL_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "base/loop.h"

/* Single keys from the terminal that stdin is, without echo. */

enum key {
	KEY_NONE,			/* a sequence that we don't know */
	KEY_ESCAPE = 27,
	KEY_UP = 256, KEY_DOWN, KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_HOME, KEY_END,
};

struct keys {
	struct loop *loop;
	/* key: an enum key, or a character of ASCII */
	void (*on_key)(struct keys *, int key);
	/* the rest is keys.c's */
	struct source source;
	struct termios modes;		/* the terminal's, before */
	bool open, taken;		/* taken: the modes are ours */
	char bytes[64];			/* the start of a sequence, unfinished */
	size_t count;
};

/*
 * The first key of n bytes that a terminal sent (xterm's "PC-style function
 * keys"), and how many bytes it has; 0: the sequence goes on after these. A
 * sequence that we don't know, and a key with Alt, is KEY_NONE. n is at least
 * 1.
 */
int keys_parse(const char *bytes, size_t n, size_t *used);

/*
 * Keys may be read from now on; the caller has set loop and on_key. If stdin is
 * not this terminal, nothing is done.
 */
void keys_open(struct keys *, int terminal);
/*
 * Takes the terminal's modes if this job is in front, and else leaves them;
 * again if a shell has restored them meanwhile.
 */
void keys_update(struct keys *);
/* Gives the modes back, for a stop of the process. */
void keys_release(struct keys *);
void keys_close(struct keys *);

#endif
