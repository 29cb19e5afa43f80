#ifndef BASE_SPAWNER_H
#define BASE_SPAWNER_H

#include <stddef.h>
#include <sys/types.h>

/*
 * A process that forks children on request. It is forked before the sandbox, so
 * its children can execute programs; the process that asks can't any more. They
 * are children of the process that asks all the same (CLONE_PARENT), which
 * waits for them as for its own.
 */
struct spawner {
	int fd;			/* the requests, SOCK_SEQPACKET */
	pid_t pid;		/* a child like the others; 0: there is none */
};

enum { SPAWN_REQUEST = 4096, SPAWN_FDS = 2 };

/*
 * Runs in the new child, and does not return. The request's bytes are the
 * caller's until then. Pointers in them are valid if their memory had its
 * contents when the spawner was opened. The child has no other descriptors of
 * ours than fds, which are close-on-exec.
 */
typedef void spawn_run(void *request, size_t length, const int fds[SPAWN_FDS]);

/* Forks it. -1: a fault. */
int spawner_open(struct spawner *, spawn_run *run);

/*
 * Starts a child: a request of at most SPAWN_REQUEST bytes, and up to SPAWN_FDS
 * descriptors, of which it gets copies. Waits for the answer. Returns the pid;
 * -1: errno says why (EPIPE: the spawner has ended).
 */
pid_t spawner_start(struct spawner *, const void *request, size_t length,
    const int *fds, int count);

/* It ends; its children go on. */
void spawner_close(struct spawner *);

#endif
