#ifndef APP_LIVE_SCREEN_H
#define APP_LIVE_SCREEN_H

#include <stdbool.h>
#include <sys/signalfd.h>

#include "app/app.h"
#include "report/view.h"
#include "terminal/header.h"
#include "terminal/keys.h"

/*
 * The header of a terminal (terminal/header.h) in a command's loop, with the
 * keys that its last line shows: see live_screen.c.
 */
struct live_screen {
	/*
	 * The caller sets draw, and may set top.below, top.hide, top.show and
	 * view.ordered. draw returns malloced lines, at most this many, or NULL
	 * for no change.
	 */
	char *(*draw)(struct live_screen *, int columns, int lines);
	struct header top;
	struct view view;
	/* The rest is live_screen.c's. */
	struct app *app;
	struct keys keys;
	bool help, paused;
	bool changed;			/* by a key */
	bool keyed;			/* the last line has keys */
	bool frozen, closing;
	char *lines;			/* of the last draw */
	int columns, rows;		/* the terminal's then */
};

/*
 * Shows it on terminal (a descriptor), through its sink. From then on the app
 * reads SIGWINCH and SIGTSTP, to be passed to live_screen_signal(). keys: reads
 * them from stdin, if that is a terminal. -1: the signals can't be caught.
 */
int live_screen_open(struct live_screen *, struct app *, struct sink *out,
    int terminal, bool keys);
/*
 * Handles SIGWINCH and SIGTSTP, and SIGQUIT where keys are read: ends the
 * process, with the terminal as it was. false: it is another signal.
 */
bool live_screen_signal(struct live_screen *, const struct signalfd_siginfo *);
/* Shows the members before (-1) or after (1) those on the screen. */
void live_screen_page(struct live_screen *, int direction);
/* The lines stay as they are: the members are about to leave. */
void live_screen_freeze(struct live_screen *);
/* Gives the terminal back; the last lines stay, without the keys. */
void live_screen_close(struct live_screen *);

#endif
