#ifndef TERMINAL_FOREGROUND_H
#define TERMINAL_FOREGROUND_H

#include <stdbool.h>

/*
 * The job that has a terminal. Only the controlling terminal has jobs; any
 * other one (a serial line, a pty of another session) has no foreground job,
 * and any process may read it.
 */

/* Another job has the terminal: a read would stop this process. */
bool in_background(int terminal);

/* It is the controlling terminal, and this job has it. */
bool in_foreground(int terminal);

#endif
