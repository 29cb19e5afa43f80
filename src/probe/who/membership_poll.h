#ifndef PROBE_WHO_MEMBERSHIP_POLL_H
#define PROBE_WHO_MEMBERSHIP_POLL_H

#include "kernel/sock_diag.h"
#include "kernel/sock_owner.h"
#include "net/addr.h"
#include "probe/stats/tally.h"

/*
 * Polls which processes of this host accept a target's clients, and reports
 * those that came or went.
 */
struct membership_poll {
	/* The caller's. */
	bool datagram;
	const struct tally *served;	/* rows of processes that answered */
	void (*on_change)(struct membership_poll *, const struct row *,
	    bool came);
	/* The rest is membership_poll.c's. */
	struct sock_diag *diag;
	struct owners *owners;
	struct tally known;		/* a row each; weight 1: a member now */
	bool observed;
};

/* The caller's fields are set. Without sock_diag it sees no members. */
void membership_poll_open(struct membership_poll *);
/*
 * Reports what has changed since the last call. doubt: re-scan /proc, for
 * processes that came to hold the same sockets.
 */
void membership_poll_observe(struct membership_poll *,
    const struct addr *target, bool doubt);
void membership_poll_close(struct membership_poll *);

#endif
