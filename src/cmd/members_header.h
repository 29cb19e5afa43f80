#ifndef CMD_MEMBERS_HEADER_H
#define CMD_MEMBERS_HEADER_H

#include "app/live_screen.h"
#include "serve/membership.h"

/* --live: the table of a group's members at the top of a terminal. */
struct members_header {
	struct live_screen screen;
	struct membership *membership;
};

/* -1 (usage) if --live is given and this descriptor can't show it; else 0. */
int members_header_check(const struct settings *, int terminal);
/* Like live_screen_open(). */
int members_header_open(struct members_header *, struct app *,
    struct membership *, struct sink *, int terminal, bool keys);
/*
 * Shows it on stderr if --live is given. Without --live, if stdout and stderr
 * are terminals, rpnc is in the foreground, and neither -q nor --json is given.
 * Keys are read from stdin.
 */
void members_header_start(struct members_header *, struct app *,
    struct membership *);

#endif
