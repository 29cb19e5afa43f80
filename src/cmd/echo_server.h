#ifndef CMD_ECHO_SERVER_H
#define CMD_ECHO_SERVER_H

#include "cmd/members_header.h"
#include "serve/activation.h"
#include "serve/fork_model.h"
#include "serve/handoff.h"
#include "serve/membership.h"
#include "serve/service.h"
#include "serve/stop.h"
#include "serve/worker.h"

enum { GREETING = 256 };

/* A worker's slot in the registry, once the parent has found it. */
struct echo_slot {
	bool found;
	int slot;
};

/* A process of rpnc echo; workers inherit the parent's copy by fork(2). */
struct echo_server {
	struct app app;
	struct settings *settings;
	struct membership membership;
	struct activation activation;
	struct service service;		/* this process's */
	struct sock_set listening;	/* its sockets; empty once closed */
	struct stop stop;
	struct registry_events watch;	/* for a worker with own sockets */
	struct members_header header;
	struct workers workers;
	struct sock_set *sets;		/* each worker's, until the fork */
	int count;			/* number of workers */
	bool by_workers;		/* workers serve, not the parent */
	bool own_sockets;		/* each process is a member */
	bool ending;			/* the first signal has come */
	bool one_client;		/* the loop ends with a connection */
	struct handoff handoff;
	struct echo_slot slots[WORKERS_MAX];	/* the workers', for handoff */
	struct taker taker;		/* a worker's end of the handoff */
	struct fork_model forks;
	int fork_model_max;		/* processes, by -w; 0: by -m */
	struct workload workload;
	struct congestion congestion;
	struct accept_setup setup;	/* what each service starts with */
	struct tls_context tls;		/* --tls */
	int64_t spin;			/* polls so long before sleep, us */
	int64_t started;		/* loop_now() */
	char greeting[GREETING];
	char worker_name[REGISTRY_NAME];	/* in a worker */
};

/* The name of a worker, such as "A/3". */
void echo_worker_name(const struct echo_server *, int index,
    char name[static REGISTRY_NAME]);
/*
 * Starts the service on set; an empty set: connections are handed to it. slot
 * has the counters, name is the slot's.
 */
int echo_serve(struct echo_server *, const struct sock_set *set, int worker,
    int slot, const char *name);
/* Ends the server: leaves the group first, if this process is in one. */
void echo_end(struct echo_server *);
/*
 * The signals of a worker. Only SIGTERM ends it: ^C goes to the parent as well,
 * which then sends SIGTERM. A second SIGTERM is ignored, because a service
 * manager may send one to every process; the parent ends a worker at once by
 * SIGKILL.
 */
void echo_worker_signal(struct app *, const struct signalfd_siginfo *);

#endif
