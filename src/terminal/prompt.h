#ifndef TERMINAL_PROMPT_H
#define TERMINAL_PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <termios.h>

#include "base/loop.h"
#include "base/sink.h"
#include "terminal/history.h"

/*
 * A line being typed at the terminal while other output is printed above it:
 * readline(3) as a source of the loop. There can be only one. All output goes
 * to the sink `out`, so that a stopped terminal (^S) blocks nothing.
 */
struct prompt {
	struct source source;
	struct loop *loop;
	struct sink *out;		/* the terminal; filled in */
	FILE *screen;			/* readline writes here */
	struct termios modes;		/* before readline changed them */
	struct timer retry;		/* to try again to read keys */
	bool open, answering;		/* inside on_line() or on_end() */
	bool suspended;			/* the terminal has its own modes */
	bool terminal;			/* stdin was one at first */
	/* A line without its end. */
	void (*on_line)(struct prompt *, const char *line);
	/*
	 * ^D on an empty line, each time, or the end of a stdin that is no
	 * terminal.
	 */
	void (*on_end)(struct prompt *);
	/*
	 * The n-th completion of the word that starts the line up to text (or
	 * follows before), malloced, or NULL.
	 */
	char *(*complete)(struct prompt *, const char *before,
	    const char *text, int n);
	/* ^L: draw the screen again; NULL: readline does it. */
	void (*on_clear)(struct prompt *);
	/* PgUp (-1) and PgDn (1); NULL: as the user's inputrc has them. */
	void (*on_page)(struct prompt *, int direction);
	struct history history;
};

/* Whether stdin and stdout are a terminal that this job may use now. */
bool prompt_possible(void);

/* Shows a prompt; the caller has filled in the callbacks. */
int prompt_open(struct prompt *, struct loop *);
void prompt_close(struct prompt *);

void prompt_set(struct prompt *, const char *text);
/* Prints whole lines above the line being typed. */
void prompt_print(struct prompt *, const char *text, size_t length);
/* Hide the line while others write to the screen, and show it again. */
void prompt_hide(struct prompt *);
void prompt_show(struct prompt *);
/* Discards the typed text; false: there was none. */
bool prompt_clear(struct prompt *);
void prompt_resize(struct prompt *);
/* Around a stop of the process: give the terminal back, and take it again. */
void prompt_suspend(struct prompt *);
void prompt_resume(struct prompt *);

#endif
