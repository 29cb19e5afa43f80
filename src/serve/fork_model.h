#ifndef SERVE_FORK_MODEL_H
#define SERVE_FORK_MODEL_H

#include "group/registry/registry.h"
#include "net/conn.h"
#include "serve/accept.h"

/* An accept model: forks a process for each connection. */
struct fork_model {
	struct acceptor acceptor;	/* its limit counts processes */
	struct counters *counters;
	unsigned begun, denied;		/* forks, and denied clients, so far */
	struct forked *children;	/* uthash by pid */
	struct conn *pending;		/* accepted, not forked yet; or NULL */
	struct backoff backoff;		/* after fork(2) failed */
	int64_t reported;		/* when on_fault() was last called */
	/* Whether c may come; else it is taken over. */
	bool (*admits)(struct fork_model *, struct conn *c);
	/* A child has ended: its connection's c->counted; see waitpid(2). */
	void (*on_left)(struct fork_model *, struct source_count *,
	    int status);
	/* In the child, with all descriptors; returns its exit status. */
	int (*run)(struct fork_model *, int fd);
	void (*on_fault)(struct fork_model *);	/* see fail_text() */
	void *user;
};

/* A limit of processes: half of RLIMIT_NPROC, but 1 to 1024. */
unsigned fork_model_limit(void);
/* Takes over the sockets; counters, run and on_fault are set. */
int fork_model_open(struct fork_model *, struct loop *, const struct sock_set *,
    unsigned limit);
/* On SIGCHLD. */
void fork_model_reap(struct fork_model *);
/* Closes the sockets. Children get SIGTERM when this process ends. */
void fork_model_close(struct fork_model *);

#endif
