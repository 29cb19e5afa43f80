#ifndef TERMINAL_FOREGROUND_H
#define TERMINAL_FOREGROUND_H

#include <stdbool.h>

/*
 * Which job a terminal belongs to. Only the controlling terminal has jobs;
 * any other one (a serial line, a pty of another session) is in nobody's
 * foreground, and everybody may read it.
 */

/* The terminal is another job's now: to read it would stop this process. */
bool in_background(int terminal);

/* The controlling terminal, and it is this job's. */
bool in_foreground(int terminal);

#endif
