#ifndef CMD_MEMBERS_HEADER_H
#define CMD_MEMBERS_HEADER_H

#include "serve/membership.h"
#include "terminal/header.h"

/* The scoreboard at the top of a terminal, while a server serves. */
struct display {
	struct live live;		/* first */
	struct place *place;
	struct desk *desk;
};

/*
 * Whether --live can be done on this descriptor, or nobody asked for it: 0,
 * or -1: usage.
 */
int display_check(const struct settings *, int terminal);
/*
 * Shows it on a terminal by its sink, and has the desk read SIGWINCH and
 * SIGTSTP, which display_signal() takes; false: it is another one.
 */
int display_open(struct display *, struct desk *, struct place *,
    struct sink *, int terminal);
/* On stderr: with --live, or for a person who sees it all. */
void display_start(struct display *, struct desk *, struct place *);
bool display_signal(struct display *, const struct signalfd_siginfo *);

#endif
