#ifndef OPS_TEST_SERVER_H
#define OPS_TEST_SERVER_H

#include <sys/types.h>

#include "net/addr.h"

/*
 * An rpnc echo of our own, as a process: it is started as by hand, on a port
 * of 127.0.0.1 that is free, and ends with us however we end.
 */
struct contender {
	char command[200];		/* as one would type it */
	pid_t pid;			/* 0: not started */
	int ready;			/* where it says its address; -1 */
	struct endpoint at;
};

/* Starts it; one space parts the options. */
int contender_start(struct contender *, const char *options);
/* Waits until it listens. */
int contender_await(struct contender *);

/* Seconds of CPU that it and its processes have had; NAN: not known. */
double contender_cpu(const struct contender *);

/* Ends them all, and waits until they are gone. */
void contenders_stop(struct contender *, int count);

#endif
