#ifndef GROUP_REACH_MEMBER_CHOICE_H
#define GROUP_REACH_MEMBER_CHOICE_H

#include <stdbool.h>
#include <sys/types.h>

#include "group/reach/greeting.h"

/* The member that a user names: NAME, PID, NAME/WORKER or PID/WORKER. Pure. */
struct member_choice {
	char name[GREETING_NAME];	/* "": by pid */
	pid_t pid;			/* 0: by name */
	int worker;			/* -1: any */
};

/* -1: a usage fault, without the option's name. */
int member_choice_read(struct member_choice *, const char *text);

/*
 * Whether a process is the chosen one. name: without its worker, "" if it has
 * none; parent: the pid of its parent, 0 if it is not known; worker: -1 if it
 * has none. The pid of a parent stands for each of its workers.
 */
bool member_choice_is(const struct member_choice *, const char *name, pid_t pid,
    pid_t parent, int worker);

#endif
