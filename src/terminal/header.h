#ifndef TERMINAL_HEADER_H
#define TERMINAL_HEADER_H

#include <stdbool.h>

#include "base/loop.h"
#include "base/sink.h"

/*
 * Lines that stay at the top of a terminal and are redrawn there, while all
 * else scrolls below them: see header.c.
 */
struct header {
	struct loop *loop;
	struct sink *out;		/* the terminal, shared with others */
	int terminal;			/* a descriptor of it */
	/*
	 * Returns the lines to show, malloced, each with its newline: at most
	 * this many, of at most this many columns. NULL: no change.
	 */
	char *(*draw)(struct header *, int columns, int lines);
	/* Around a change of what scrolls: a line being typed. Or NULL. */
	void (*hide)(struct header *);
	void (*show)(struct header *);
	/* the rest is header.c's */
	struct timer timer;
	bool open, laid;		/* laid: the terminal is divided */
	int rows, columns, height;
	int64_t drawn, cost;
	char *shown;
};

/* Whether it is a terminal that can be divided. */
bool header_possible(int terminal);

/* The fields above are filled in. Draws at once. */
void header_open(struct header *);
/* Something changed: draws, or soon if it drew just now. */
void header_touch(struct header *);
/* The terminal has another size, perhaps. */
void header_resize(struct header *);
/* Around a stop of the process; the second also where it was wiped. */
void header_suspend(struct header *);
void header_resume(struct header *);
/* Gives the terminal back; what is shown stays. */
void header_close(struct header *);

#endif
