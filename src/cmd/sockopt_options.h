#ifndef CMD_SOCKOPT_OPTIONS_H
#define CMD_SOCKOPT_OPTIONS_H

#include "app/app.h"

/*
 * Checks --sockopt for sockets of that endpoint, before one is opened. side:
 * SOCKOPT_CLIENT, SOCKOPT_SERVER or SOCKOPT_MEMBER. -1: usage.
 */
int sockopt_options_check(const struct settings *, const struct endpoint *,
    unsigned side);

/*
 * Emits what the kernel makes of --sockopt on a socket like those of that
 * endpoint; for a command that opens many.
 */
void sockopt_options_emit(struct app *, const struct endpoint *);

#endif
