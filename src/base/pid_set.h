#ifndef BASE_PID_SET_H
#define BASE_PID_SET_H

#include <stdbool.h>
#include <sys/types.h>

/* A few pids, each once. An empty set is all zero. */
struct pid_set {
	pid_t *pids;
	int count;
};

/* Returns true if the set has not had it. Without memory it is not added. */
bool pid_set_add(struct pid_set *, pid_t);
void pid_set_free(struct pid_set *);

#endif
