#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* A command of the user that runs at the same time, in our process group. */
struct child {
	pid_t pid;			/* 0: not started */
	bool ended;
	int status;			/* when it has ended: see waitpid(2) */
};

/*
 * Starts argv, which is found as a shell does. Its stdout is our stderr. It
 * gets all other descriptors, also stdin, and the signals as we inherited them,
 * and no NOTIFY_SOCKET. -1: a usage fault.
 */
int child_start(struct child *, char *const *argv);

/* The caller calls it on SIGCHLD. Returns whether the child has ended. */
bool child_reap(struct child *);

/* Sends it a signal, if it still runs. */
void child_signal(const struct child *, int number);

#endif
