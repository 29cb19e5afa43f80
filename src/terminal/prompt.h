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
 * A line being typed at the terminal while other things are printed above
 * it: readline(3) as a source of the loop. There can be only one. All that
 * is shown goes to out, so that a terminal that is not read (^S) stops nobody.
 */
struct prompt {
	struct source source;
	struct loop *loop;
	struct sink *out;		/* the terminal; filled in */
	FILE *screen;			/* readline's way there */
	struct termios modes;		/* before readline changed them */
	struct timer retry;		/* no time for keys: look again */
	bool open, answering;		/* answering: inside on_line */
	bool terminal;			/* stdin was one at first */
	/* A line without its end. */
	void (*on_line)(struct prompt *, const char *line);
	/* ^D on an empty line, or the end of what is no terminal. */
	void (*on_end)(struct prompt *);
	/*
	 * The n-th completion of the word that starts the line up to text (or
	 * follows before), malloced, or NULL.
	 */
	char *(*complete)(struct prompt *, const char *before,
	    const char *text, int n);
	/* ^L: the screen is to be made anew; NULL: readline does. */
	void (*on_clear)(struct prompt *);
	struct history history;
};

/* Whether stdin and stdout are a terminal that is ours to use now. */
bool prompt_possible(void);

/* Columns of the terminal, or 80. */
int prompt_columns(void);

/* Shows a prompt; the callbacks are filled in. */
int prompt_open(struct prompt *, struct loop *);
void prompt_close(struct prompt *);

void prompt_set(struct prompt *, const char *text);
/* Prints whole lines above the one that is typed, which survives. */
void prompt_print(struct prompt *, const char *text, size_t length);
/* Around what is done to the screen by others: off it, and on it again. */
void prompt_hide(struct prompt *);
void prompt_show(struct prompt *);
/* Throws away what is typed; false if there was nothing. */
bool prompt_clear(struct prompt *);
void prompt_resize(struct prompt *);
/* Around a stop of the process: gives the terminal back, and takes it. */
void prompt_suspend(struct prompt *);
void prompt_resume(struct prompt *);

#endif
