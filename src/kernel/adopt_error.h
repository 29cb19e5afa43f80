#ifndef KERNEL_ADOPT_ERROR_H
#define KERNEL_ADOPT_ERROR_H

#include <sys/types.h>

/* Opens the process (pidfd_open(2)); -1: a fault that says why it can't. */
int adopt_process(pid_t);

/*
 * Records why its descriptors can't be taken: the rule, and what to do. Returns
 * -1.
 */
int adopt_refused(pid_t);

/* "pid 4242 (python3)"; returns text. */
enum { ADOPT_WHO = 96 };
const char *adopt_who(pid_t, char text[static ADOPT_WHO]);

#endif
