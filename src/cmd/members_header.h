#ifndef CMD_MEMBERS_HEADER_H
#define CMD_MEMBERS_HEADER_H

#include "serve/membership.h"
#include "terminal/header.h"

/* The scoreboard at the top of a terminal, while a server serves. */
struct members_header {
	struct header live;
	struct membership *membership;
	struct app *app;
};

/*
 * Whether --live can be done on this descriptor, or nobody asked for it: 0,
 * or -1: usage.
 */
int members_header_check(const struct settings *, int terminal);
/*
 * Shows it on a terminal by its sink, and has the desk read SIGWINCH and
 * SIGTSTP, which members_header_signal() takes; false: it is another one.
 */
int members_header_open(struct members_header *, struct app *,
    struct membership *, struct sink *, int terminal);
/* On stderr: with --live, or for a person who sees it all. */
void members_header_start(struct members_header *, struct app *,
    struct membership *);
bool members_header_signal(struct members_header *,
    const struct signalfd_siginfo *);

#endif
