#ifndef CMD_CHECK_H
#define CMD_CHECK_H

#include "app/settings.h"

/*
 * listen and echo with --check: whether this would work, and whom one would
 * join. Returns a status, or -1: a fault, as without --check.
 */
int check_place(const struct settings *, const struct endpoint *);

#endif
