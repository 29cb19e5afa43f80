#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* A command of the user's that runs beside us, in our process group. */
struct child {
	pid_t pid;			/* 0: not started */
	bool ended;
	int status;			/* then, as waitpid(2) has it */
};

/*
 * Starts argv, found as a shell does: its stdout is our stderr, its stdin and
 * all else are ours, but for the signals: these are blocked by us only. -1: a
 * usage fault.
 */
int child_start(struct child *, char *const *argv, const sigset_t *ours);

/* On SIGCHLD: whether it has ended, now or before. */
bool child_reap(struct child *);

/* Passes a signal on, while it runs. */
void child_signal(const struct child *, int number);

#endif
