#ifndef APP_HEADER_H
#define APP_HEADER_H

#include <stdbool.h>
#include <sys/signalfd.h>

#include "app/app.h"
#include "terminal/header.h"

/* What a command keeps at the top of a terminal: see terminal/header.h. */

/* Who draws is filled in. -1: the signals of a terminal can't be caught. */
int app_header_open(struct header *, struct app *, struct sink *out,
    int terminal);
/* Whether it is such a signal: then it is seen to. */
bool app_header_signal(struct header *, const struct signalfd_siginfo *);

#endif
