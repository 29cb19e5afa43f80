#ifndef OPS_TEST_SERVER_H
#define OPS_TEST_SERVER_H

#include <sys/types.h>

#include "net/addr.h"

/*
 * An rpnc echo in a child process, started as by hand, on a free port of
 * 127.0.0.1. It ends when this process ends, for any reason.
 */
struct test_server {
	char command[200];		/* as a user would type it */
	pid_t pid;			/* 0: not started */
	int ready;			/* its address comes from here; or -1 */
	struct endpoint at;
};

/* Starts it; options are separated by one space each. */
int test_server_start(struct test_server *, const char *options);
/* Waits until it listens. */
int test_server_await(struct test_server *);

/* Seconds of CPU time that its processes have used; NAN: not known. */
double test_server_cpu(const struct test_server *);

/* Ends them all, and waits until they are gone. */
void test_servers_stop(struct test_server *, int count);

#endif
