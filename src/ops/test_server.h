#ifndef OPS_TEST_SERVER_H
#define OPS_TEST_SERVER_H

#include <sys/types.h>

#include "net/addr.h"

/*
 * An rpnc echo of our own, as a process: it is started as by hand, on a port
 * of 127.0.0.1 that is free, and ends with us however we end.
 */
struct test_server {
	char command[200];		/* as one would type it */
	pid_t pid;			/* 0: not started */
	int ready;			/* where it says its address; -1 */
	struct endpoint at;
};

/* Starts it; one space parts the options. */
int test_server_start(struct test_server *, const char *options);
/* Waits until it listens. */
int test_server_await(struct test_server *);

/* Seconds of CPU that it and its processes have had; NAN: not known. */
double test_server_cpu(const struct test_server *);

/* Ends them all, and waits until they are gone. */
void test_servers_stop(struct test_server *, int count);

#endif
