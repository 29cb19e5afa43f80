#ifndef OPS_QUARANTINE_H
#define OPS_QUARANTINE_H

#include "group/members.h"
#include "group/registry/request.h"
#include "group/steer/reconcile.h"

/*
 * One process of a port gets nothing new for as long as this one lives and
 * wishes so: see quarantine.c. Fill in what is asked, zero the rest.
 */
struct quarantine {
	const char *option, *whom;	/* "--quarantine", pid or name */
	bool datagram, force;		/* force: also among strangers */
	uint16_t port;
	int family;			/* AF_UNSPEC: both */
	struct addr host;		/* only its traffic; none: all */
	/* Who it is, and what stands round it. */
	pid_t pid;
	uint64_t process;		/* of its slot; 0: not rpnc's */
	char name[REGISTRY_NAME];		/* "": not rpnc's */
	char command[16 + 1];
	struct diag_sock sock[REGISTRY_SOCKETS];
	int count;			/* of its sockets; 0: it has gone */
	int healthy;			/* members that can do it, in the group
					   that has the fewest */
	char doer[SLOT_TEXT];		/* one of them */
	bool foreign;			/* some members are not rpnc's */
	uint32_t queue;			/* clients, or bytes, that wait there */
	/* Inside. */
	struct sockinfo sockinfo;
	struct registry *registry;
	int slot;			/* of our guest; -1: no wish */
	bool shared, manager, many;
};

/* Finds it, and whether it can be done; -1: a fault that says why not. */
int quarantine_find(struct quarantine *);
/* Wishes it, in front of the members. */
int quarantine_begin(struct quarantine *);
/* How far they are with it. */
enum progress quarantine_progress(struct quarantine *);
/*
 * Looks again: at its sockets, which may be other ones by now, and at who is
 * healthy. -1: the kernel does not tell.
 */
int quarantine_look(struct quarantine *);
/* The wish is over. */
void quarantine_end(struct quarantine *);
/* Whether somebody else wishes the same. */
bool quarantine_stays(const struct quarantine *);
void quarantine_close(struct quarantine *);

/* "B (pid 4242)", "python3 (pid 4243)" for the terminal. */
enum { QUARANTINE_TEXT = 128 };
const char *quarantine_text(const struct quarantine *,
    char text[static QUARANTINE_TEXT]);

#endif
