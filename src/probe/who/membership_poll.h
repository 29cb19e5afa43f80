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
struct membership_poll {
	/* the caller's */
	bool datagram;
	const struct tally *served;	/* the rows of those that were met */
	void (*on_change)(struct membership_poll *, const struct row *,
	    bool came);
	/* the rest is membership_poll.c's */
	struct sock_diag *diag;
	struct owners *owners;
	struct tally known;		/* a row each; weight 1: it is there */
	bool looked;
};

/*
 * The fields above are filled in. Where the kernel tells nothing, it sees none.
 */
void membership_poll_open(struct membership_poll *);
/*
 * Tells what has changed since the last look. With doubt, somebody may have
 * come to hold the same sockets: all processes are read.
 */
void membership_poll_look(struct membership_poll *, const struct addr *target,
    bool doubt);
void membership_poll_close(struct membership_poll *);

#endif
