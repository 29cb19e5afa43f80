#ifndef PROBE_WHO_PREDICTION_H
#define PROBE_WHO_PREDICTION_H

#include "kernel/sock_diag.h"
#include "probe/who/listeners.h"

/* Whether what the kernel foretells by its hash is what it does. */

struct trust {
	uint64_t mistaken, confirmed;	/* predictions, wrong and right */
	bool wanted;			/* some are all that is known */
	bool steered;			/* not by the hash, as is known */
};

/* How many must be right, and none wrong, to rely on those of a group. */
int trust_needed(int sockets);

/*
 * Two rows: who was to get a connection, and who had it in fact; -1: unknown.
 */
void trust_learn(struct trust *, int foreseen, int row);

bool trust_is_enough(const struct trust *, int sockets);

/*
 * Takes predictions back that can't be relied on: they count as unattributed,
 * or as queued somewhere. list is the group with its queues as they are now.
 * Returns how many that was.
 */
uint64_t trust_settle(const struct trust *, struct tally *,
    const struct listeners *, const struct diag_sock *list, int count);

#endif
