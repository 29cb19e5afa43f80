#ifndef PROBE_WHO_MEMBERSHIP_POLL_H
#define PROBE_WHO_MEMBERSHIP_POLL_H

#include "kernel/sock_diag.h"
#include "kernel/sock_owner.h"
#include "net/addr.h"
#include "probe/stats/tally.h"

/*
 * The processes of this host that a target's clients meet, looked at again and
 * again: who came, and who went.
 */
struct roster {
	/* the caller's */
	bool datagram;
	const struct tally *served;	/* the rows of those that were met */
	void (*on_change)(struct roster *, const struct row *, bool came);
	/* the rest is roster.c's */
	struct diag *diag;
	struct owners *owners;
	struct tally known;		/* a row each; weight 1: it is there */
	bool looked;
};

/*
 * The fields above are filled in. Where the kernel tells nothing, it sees none.
 */
void roster_open(struct roster *);
/*
 * Tells what has changed since the last look. With doubt, somebody may have
 * come to hold the same sockets: all processes are read.
 */
void roster_look(struct roster *, const struct addr *target, bool doubt);
void roster_close(struct roster *);

#endif
