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
 * Starts argv, found as a shell does. Its stdout is our stderr. All other
 * descriptors that we inherited, stdin too, and the signals are as we inherited
 * them; there is no NOTIFY_SOCKET. -1: a usage fault.
 */
int child_start(struct child *, char *const *argv);

/* On SIGCHLD: whether it has ended, now or before. */
bool child_reap(struct child *);

/* Passes a signal on, while it runs. */
void child_signal(const struct child *, int number);

#endif
