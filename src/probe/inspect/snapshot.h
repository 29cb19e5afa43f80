#ifndef PROBE_INSPECT_SNAPSHOT_H
#define PROBE_INSPECT_SNAPSHOT_H

#include <stdbool.h>

#include "group/diagnose/port_sockets.h"

/* The sockets of a port at one moment, as the kernel lists them. */
struct sample {
	struct rivals listening;	/* no owners, no registry */
	struct rivals bound;		/* TCP: those that do not listen */
	struct rivals waiting;		/* clients that nobody has accepted */
};

/* -1: the kernel does not tell (a fault says why). */
int sample_take(struct sample *, struct diag *, bool datagram, uint16_t port);
void sample_free(struct sample *);

/* The listening socket with this cookie, or NULL. */
const struct diag_sock *sample_find(const struct sample *, uint64_t cookie);

/*
 * Whether a listening socket of the last of n samples has clients waiting, and
 * either is_stopped() or accepted none from the first sample on. Where the
 * clients that have waited all the time are too few for all queues that did
 * not fall, only what is stopped is meant.
 */
bool sample_is_stuck(const struct sample *, int n, const struct diag_sock *,
    bool (*is_stopped)(const struct diag_sock *, void *), void *arg);

/*
 * Whether a listening socket of the last of n samples is full. A queue of
 * datagrams may be full a little below its limit, so it counts as full if it
 * dropped some between the samples, or dropped some before and did not shrink.
 */
bool sample_is_full(const struct sample *, int n, const struct diag_sock *);

/*
 * How long the client has waited that has done so longest, in milliseconds,
 * of those who can only be in the queue of this socket, or, with group set,
 * of its group; -1: none, or nobody can say.
 */
int64_t sample_oldest(const struct sample *, const struct diag_sock *,
    bool group);

#endif
