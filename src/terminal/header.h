#ifndef TERMINAL_HEADER_H
#define TERMINAL_HEADER_H

#include <stdbool.h>

#include "base/loop.h"
#include "base/sink.h"

/*
 * Lines that stay at the top of a terminal and are redrawn there, while all
 * else scrolls below them: see live.c.
 */
struct live {
	struct loop *loop;
	struct sink *out;		/* the terminal, shared with others */
	int terminal;			/* a descriptor of it */
	/*
	 * The lines to show, malloced, each with its end; at most so many, of
	 * so many columns. NULL: as before.
	 */
	char *(*draw)(struct live *, int columns, int lines);
	/* Around a change of what scrolls: a line being typed. Or NULL. */
	void (*hide)(struct live *);
	void (*show)(struct live *);
	/* the rest is live.c's */
	struct timer timer;
	bool open, laid;		/* laid: the terminal is divided */
	int rows, columns, height;
	int64_t drawn, cost;
	char *shown;
};

/* Whether it is a terminal that can be divided. */
bool live_possible(int terminal);

/* The fields above are filled in. Draws at once. */
void live_open(struct live *);
/* Something changed: draws, or soon if it drew just now. */
void live_touch(struct live *);
/* The terminal has another size, perhaps. */
void live_resize(struct live *);
/* Around a stop of the process; the second also where it was wiped. */
void live_suspend(struct live *);
void live_resume(struct live *);
/* Gives the terminal back; what is shown stays. */
void live_close(struct live *);

#endif
