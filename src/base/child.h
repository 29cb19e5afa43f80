#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/spawner.h"

/* A command of the user that runs at the same time. */
struct child {
	pid_t pid;			/* 0: not started */
	bool ended;
	int status;			/* when it has ended: see waitpid(2) */
};

struct child_variable {
	const char *name, *value;	/* value NULL: unset */
};

/* How to start a command. It never gets NOTIFY_SOCKET, nor a watchdog. */
struct child_plan {
	struct spawner *spawner;	/* of child_spawner_open() */
	/* argv[0] is found as a shell does; older than the spawner */
	char *const *argv;
	const struct rlimit *files;	/* its limit of descriptors */
	const struct child_variable *environment;	/* last: name NULL */
	/*
	 * Its stdin and stdout. Then it gets no other descriptor but stderr, a
	 * session of its own, and the default signals. 0: it gets all
	 * descriptors of the user, with our stderr as its stdout, and the
	 * signals as we inherited them.
	 */
	int socket;
};

/* Commands are started by this process: see spawner.h. */
int child_spawner_open(struct spawner *);

/*
 * Starts it, and waits until it runs the command. -1: a usage fault; errno says
 * why.
 */
int child_start(struct child *, const struct child_plan *);

/* Fails, because the spawner that starts the command was killed: -1. */
int child_fail_spawner(const char *command);

/* Whether the command can be found and run now; -1: a usage fault. */
int child_check(const char *command);

/* The caller calls it on SIGCHLD. Returns whether the child has ended. */
bool child_reap(struct child *);

/* Sends it a signal, if it still runs. */
void child_signal(const struct child *, int number);

#endif
