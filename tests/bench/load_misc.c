/* Ports that refuse, processes that start, datagrams without end. */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The ceiling of a scan of closed ports: nothing but socket, connect, close. */
int
load_scan(const struct args *a)
{
	struct args to = *a;
	int first = ntohs(((const struct sockaddr_in *)&a->addr)->sin_port);
	unsigned open = 0;
	double began = now();

	for (int port = first; port <= a->last; port++) {
		int fd = source_socket(a, 0, 0);

		port_set(&to, port);
		open += !connect(fd, (struct sockaddr *)&to.addr, to.len);
		close(fd);
	}
	printf("{\"ports\":%d,\"open\":%u,\"seconds\":%.6f}\n",
	    a->last - first + 1, open, now() - began);
	return 0;
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int
spawn_once(char **command, posix_spawn_file_actions_t *quiet)
{
	int status;
	pid_t pid;

	errno = posix_spawnp(&pid, command[0], quiet, NULL, command, environ);
	if (errno)
		die(command[0]);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* What a start to the end takes: the median, and the status of the last. */
int
load_spawn(const struct args *a)
{
	posix_spawn_file_actions_t quiet;
	double *took = calloc(a->conns, sizeof(*took)), end = now() + a->seconds;
	unsigned n = 0;
	int status = 0;

	posix_spawn_file_actions_init(&quiet);
	for (int fd = 0; fd <= 2; fd++)
		posix_spawn_file_actions_addopen(&quiet, fd, "/dev/null",
		    O_RDWR, 0);
	if (!took || !a->command[0])
		die("spawn");
	while (n < a->conns && (n < 3 || now() < end)) {
		double began = now();

		status = spawn_once(a->command, &quiet);
		took[n++] = now() - began;
	}
	qsort(took, n, sizeof(*took), ascending);
	printf("{\"starts\":%u,\"status\":%d,\"seconds\":%.9f}\n", n, status,
	    took[n / 2]);
	posix_spawn_file_actions_destroy(&quiet);
	free(took);
	return fflush(stdout) ? 1 : 0;
}

int
load_blast(const struct args *a)
{
	int fd = source_socket(a, 0, 0);
	uint64_t sent = 0, refused = 0, end;
	double began = now();

	if (connect(fd, (const struct sockaddr *)&a->addr, a->len) < 0)
		die("connect");
	end = now_ns() + (uint64_t)(a->seconds * 1e9);
	while (now_ns() < end)
		for (int i = 0; i < 64; i++)
			if (send(fd, chunk, a->size, 0) > 0)
				sent++;
			else
				refused++;
	printf("{\"sent\":%llu,\"refused\":%llu,\"seconds\":%.6f}\n",
	    (unsigned long long)sent, (unsigned long long)refused,
	    now() - began);
	return fflush(stdout) ? 1 : 0;
}
