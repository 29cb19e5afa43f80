#ifndef OPS_QUARANTINE_H
#define OPS_QUARANTINE_H

#include "group/members.h"
#include "group/registry/spare_request.h"
#include "group/steer/reconcile.h"

/*
 * Keeps new connections away from one process of a port while this process
 * lives: see quarantine.c. The caller sets its fields; all others are zero.
 */
struct quarantine {
	const char *option, *whom;	/* "--quarantine", pid or name */
	bool datagram, force;		/* force: some may not be rpnc's */
	uint16_t port;
	int family;			/* AF_UNSPEC: both */
	struct addr host;		/* only this address; len 0: all */
	char lister[40];		/* a command that lists the members */
	/* The target and its group; callers may read these. */
	pid_t pid;
	uint64_t process;		/* from its slot; 0: not rpnc's */
	char name[REGISTRY_NAME];		/* "": not rpnc's */
	char command[16 + 1];
	struct diag_sock sock[REGISTRY_SOCKETS];
	int count;			/* its sockets; 0: it has ended */
	int healthy;			/* healthy members; of several groups
					   the smallest number */
	char doer[SLOT_TEXT];		/* one of them */
	bool foreign;			/* some members are not rpnc's */
	bool many;			/* it has more sockets than sock */
	uint32_t queue;			/* clients, or bytes, in its queues */
	/* quarantine.c fills in the rest. */
	struct sockinfo sockinfo;
	struct registry *registry;
	int slot;			/* our request's; -1: none */
	bool shared, manager;
};

/* Finds the target. -1: a fault that says why it can't be done. */
int quarantine_find(struct quarantine *);
/* Puts the request into the registry. */
int quarantine_begin(struct quarantine *);
/* How far the members are with it. */
enum progress quarantine_progress(struct quarantine *);
/*
 * Looks again at the target's sockets, which may have changed, and finds which
 * members are healthy. -1: the kernel can't be asked.
 */
int quarantine_observe(struct quarantine *);
/* Ends the request. */
void quarantine_end(struct quarantine *);
/* Whether the request of another process spares the same sockets. */
bool quarantine_stays(const struct quarantine *);
void quarantine_close(struct quarantine *);

/* "B (pid 4242)", "python3 (pid 4243)"; safe for a terminal. */
enum { QUARANTINE_TEXT = 128 };
const char *quarantine_text(const struct quarantine *,
    char text[static QUARANTINE_TEXT]);

#endif
