#ifndef PROBE_WHO_PREDICTION_H
#define PROBE_WHO_PREDICTION_H

#include "kernel/sock_diag.h"
#include "probe/who/listeners.h"

/* Whether what the kernel foretells by its hash is what it does. */

struct prediction {
	uint64_t mistaken, confirmed;	/* predictions, wrong and right */
	bool wanted;			/* some are all that is known */
	bool steered;			/* not by the hash, as is known */
};

/* How many must be right, and none wrong, to rely on those of a group. */
int prediction_needed(int sockets);

/*
 * Two rows: who was to get a connection, and who had it in fact; -1: unknown.
 */
void prediction_learn(struct prediction *, int predicted_inode, int row);

bool prediction_is_enough(const struct prediction *, int sockets);

/*
 * Takes predictions back that can't be relied on: they count as unattributed,
 * or as queued somewhere. list is the group with its queues as they are now.
 * Returns how many that was.
 */
uint64_t prediction_settle(const struct prediction *, struct tally *,
    const struct listeners *, const struct diag_sock *list, int count);

#endif
