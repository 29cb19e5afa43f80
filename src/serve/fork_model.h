#ifndef SERVE_FORK_MODEL_H
#define SERVE_FORK_MODEL_H

#include "group/registry/registry.h"
#include "serve/accept.h"

/* A process for each connection, which ends with it. */
struct forks {
	struct acceptor acceptor;	/* first; limit: so many at once */
	struct counters *counters;
	unsigned begun;
	struct forked *children;	/* of this program: not all are ours */
	int pending;			/* accepted, and no process yet; -1 */
	struct backoff backoff;		/* of fork(2) */
	int64_t told;			/* when its failure last was */
	/* The child: its exit status. Its descriptors are the parent's. */
	int (*run)(struct forks *, int fd);
	void (*on_fault)(struct forks *);	/* see fail_text() */
	void *user;
};

/* As many at once as this user's processes leave room for: 1 to 1024. */
unsigned forks_limit(void);
/* Takes over the sockets; counters, run and on_fault are set. */
int forks_open(struct forks *, struct loop *, const struct sock_set *,
    unsigned limit);
/* On SIGCHLD. */
void forks_reap(struct forks *);
/* What is left ends with this process. */
void forks_close(struct forks *);

#endif
