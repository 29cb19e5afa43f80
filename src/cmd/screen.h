#ifndef CMD_SCREEN_H
#define CMD_SCREEN_H

#include <stdbool.h>
#include <sys/signalfd.h>

#include "cmd/desk.h"
#include "terminal/live.h"

/* What a command keeps at the top of a terminal: see terminal/live.h. */

/* Who draws is filled in. -1: the signals of a terminal can't be caught. */
int screen_open(struct live *, struct desk *, struct sink *out, int terminal);
/* Whether it is such a signal: then it is seen to. */
bool screen_signal(struct live *, const struct signalfd_siginfo *);

#endif
