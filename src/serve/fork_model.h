#ifndef SERVE_FORK_MODEL_H
#define SERVE_FORK_MODEL_H

#include "group/registry/registry.h"
#include "serve/accept.h"

/* A process for each connection, which ends with it. */
struct fork_model {
	struct acceptor acceptor;	/* limit: so many at once */
	struct counters *counters;
	unsigned begun;
	struct forked *children;	/* of this program: not all are ours */
	int pending;			/* accepted, and no process yet; -1 */
	struct backoff backoff;		/* of fork(2) */
	int64_t told;			/* when its failure last was */
	/* The child: its exit status. Its descriptors are the parent's. */
	int (*run)(struct fork_model *, int fd);
	void (*on_fault)(struct fork_model *);	/* see fail_text() */
	void *user;
};

/* As many at once as this user's processes leave room for: 1 to 1024. */
unsigned fork_model_limit(void);
/* Takes over the sockets; counters, run and on_fault are set. */
int fork_model_open(struct fork_model *, struct loop *, const struct sock_set *,
    unsigned limit);
/* On SIGCHLD. */
void fork_model_reap(struct fork_model *);
/* What is left ends with this process. */
void fork_model_close(struct fork_model *);

#endif
