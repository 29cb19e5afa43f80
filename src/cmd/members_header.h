#ifndef CMD_MEMBERS_HEADER_H
#define CMD_MEMBERS_HEADER_H

#include "serve/membership.h"
#include "terminal/header.h"

/* --live: the table of a group's members at the top of a terminal. */
struct members_header {
	struct header top;
	struct membership *membership;
	struct app *app;
};

/* -1 (usage) if --live is given and this descriptor can't show it; else 0. */
int members_header_check(const struct settings *, int terminal);
/*
 * Shows it on terminal (a descriptor), through its sink. From then on the app
 * reads SIGWINCH and SIGTSTP, to be passed to members_header_signal().
 */
int members_header_open(struct members_header *, struct app *,
    struct membership *, struct sink *, int terminal);
/*
 * Shows it on stderr if --live is given. Without --live, if stdout and stderr
 * are terminals, rpnc is in the foreground, and neither -q nor --json is given.
 */
void members_header_start(struct members_header *, struct app *,
    struct membership *);
/* Handles SIGWINCH and SIGTSTP; false: it is another signal. */
bool members_header_signal(struct members_header *,
    const struct signalfd_siginfo *);

#endif
