#ifndef CMD_ECHO_SERVER_H
#define CMD_ECHO_SERVER_H

#include "cmd/members_header.h"
#include "serve/fork_model.h"
#include "serve/handoff.h"
#include "serve/membership.h"
#include "serve/service.h"
#include "serve/stop.h"
#include "serve/worker.h"

enum { GREETING = 256 };

/* A worker's, once the parent has found it. */
struct echo_slot {
	bool found;
	int slot;
};

/* What rpnc echo works with, in a parent, a worker, or by itself. */
struct echo_server {
	struct app app;
	struct settings *settings;
	struct membership membership;
	struct service service;		/* of this process */
	struct sock_set live;		/* its sockets while it listens */
	struct stop stop;
	struct registry_events watch;		/* a worker's */
	struct members_header header;
	struct workers workers;
	struct sock_set *sets;		/* one a worker, while they start */
	int count;
	bool by_workers;		/* this process serves nobody itself */
	bool own_sockets, ending;
	bool one_client;		/* at a time, or in its life */
	struct handoff handoff;
	struct echo_slot handed[WORKERS_MAX];
	struct taker taker;		/* where a worker is handed to */
	struct fork_model forks;
	int fork_model_max;	/* at once; 0: as many as -m says */
	struct workload workload;
	struct congestion congestion;
	int64_t spin;			/* us before it sleeps */
	int64_t started;
	char greeting[GREETING];
};

/* "A/3" */
void echo_worker_name(const struct echo_server *, int index,
    char name[static REGISTRY_NAME]);
/*
 * Serves on set (or on nothing yet) in this process, by the slot's name and
 * counters.
 */
int echo_serve(struct echo_server *, const struct sock_set *set, int worker,
    int slot, const char *name);
/* Stops serving: leaves the group first, if this process is in one. */
void echo_end(struct echo_server *);
/*
 * The signals of a worker. Only the parent's SIGTERM counts, because ^C comes
 * to both. A second SIGTERM means nothing here: a service manager sends it to
 * both as well, and the parent sends SIGKILL to end a worker at once.
 */
void echo_worker_signal(struct app *, const struct signalfd_siginfo *);

#endif
