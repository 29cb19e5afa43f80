#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* A command of the user's that runs beside us, in our process group. */
struct child {
	pid_t pid;			/* 0: not started */
	bool ended;
	int status;			/* then, as waitpid(2) has it */
};

/*
 * Starts argv, found as a shell does. Its stdin is ours and its stdout is our
 * stderr; it inherits no other descriptor, no NOTIFY_SOCKET, and the signals
 * as we inherited them. -1: a usage fault.
 */
int child_start(struct child *, char *const *argv);

/* On SIGCHLD: whether it has ended, now or before. */
bool child_reap(struct child *);

/* Passes a signal on, while it runs. */
void child_signal(const struct child *, int number);

#endif
