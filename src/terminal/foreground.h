#ifndef TERMINAL_FOREGROUND_H
#define TERMINAL_FOREGROUND_H

#include <stdbool.h>

/*
 * Terminals and jobs. Only the controlling terminal has a foreground job. Any
 * other terminal (a serial line, a pty of another session) has none, and any
 * process may read it.
 */

/* Whether another job has the terminal: a read would stop this process. */
bool in_background(int terminal);

/* Whether it is the controlling terminal, and this job is in front. */
bool in_foreground(int terminal);

#endif
