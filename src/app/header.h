#ifndef APP_HEADER_H
#define APP_HEADER_H

#include <stdbool.h>
#include <sys/signalfd.h>

#include "app/app.h"
#include "terminal/header.h"

/* Connects a header (terminal/header.h) to a command's loop and signals. */

/* The caller has set draw. -1: SIGWINCH and SIGTSTP can't be caught. */
int app_header_open(struct header *, struct app *, struct sink *out,
    int terminal);
/* Handles SIGWINCH and SIGTSTP; false: it is another signal. */
bool app_header_signal(struct header *, const struct signalfd_siginfo *);

#endif
