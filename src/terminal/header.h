#ifndef TERMINAL_HEADER_H
#define TERMINAL_HEADER_H

#include <stdbool.h>

#include "base/loop.h"
#include "base/sink.h"

/*
 * Lines that stay at the top of a terminal, while all other output scrolls
 * below them: see header.c.
 */
struct header {
	struct loop *loop;
	struct sink *out;		/* the terminal, shared with others */
	int terminal;			/* a descriptor of it */
	/*
	 * Returns the lines to show, malloced, each with its newline; at most
	 * so many lines and columns. NULL: no change.
	 */
	char *(*draw)(struct header *, int columns, int lines);
	/*
	 * Hide and show a line being typed while the region moves; may be NULL.
	 */
	void (*hide)(struct header *);
	void (*show)(struct header *);
	int below;		/* rows to leave below it; 0: the usual */
	/* the rest is header.c's */
	struct timer timer;
	bool open, laid;		/* laid: the terminal is divided */
	bool stale;			/* it shows lines of another size */
	int rows, columns, height;
	int64_t drawn, cost;
	char *shown;
};

/* Whether it is a terminal that can be divided. */
bool header_possible(int terminal);

/* Draws at once; the caller has filled in the fields above. */
void header_open(struct header *);
/* The lines may have changed: draws now, or soon if it has just drawn. */
void header_touch(struct header *);
/* Draws for a key: at once, or soon if keys come fast. */
void header_now(struct header *);
/* Draws at once, whatever it has just drawn. */
void header_redraw_now(struct header *);
/* The terminal may have another size. */
void header_resize(struct header *);
/* Around a stop of the process; header_resume() also if it was erased. */
void header_suspend(struct header *);
void header_resume(struct header *);
/* Gives the terminal back; the last lines stay as text. */
void header_close(struct header *);

#endif
