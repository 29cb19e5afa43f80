#ifndef PROBE_INSPECT_SNAPSHOT_H
#define PROBE_INSPECT_SNAPSHOT_H

#include <stdbool.h>

#include "group/diagnose/port_sockets.h"

/* The sockets of a port at one moment, as the kernel lists them. */
struct snapshot {
	struct port_sockets listening;	/* no owners, no registry */
	struct port_sockets bound;	/* TCP: those that do not listen */
	struct port_sockets waiting;	/* clients that nobody has accepted */
};

/* -1: the kernel does not tell (a fault says why). */
int snapshot_take(struct snapshot *, struct sock_diag *, bool datagram,
    uint16_t port);
void snapshot_free(struct snapshot *);

/* The listening socket with this cookie, or NULL. */
const struct diag_sock *snapshot_find(const struct snapshot *, uint64_t cookie);

/*
 * Whether a listening socket of the last of n snapshots has clients waiting, and
 * either is_stopped() or accepted none from the first snapshot on. Where the
 * clients that have waited all the time are too few for all queues that did
 * not fall, only what is stopped is meant.
 */
bool snapshot_is_stuck(const struct snapshot *, int n, const struct diag_sock *,
    bool (*is_stopped)(const struct diag_sock *, void *), void *arg);

/*
 * Whether a listening socket of the last of n snapshots is full. A queue of
 * datagrams may be full a little below its limit, so it counts as full if it
 * dropped some between the snapshots, or dropped some before and did not shrink.
 */
bool snapshot_is_full(const struct snapshot *, int n, const struct diag_sock *);

/*
 * How long the client has waited that has done so longest, in milliseconds,
 * of those who can only be in the queue of this socket, or, with group set,
 * of its group; -1: none, or nobody can say.
 */
int64_t snapshot_oldest(const struct snapshot *, const struct diag_sock *,
    bool group);

#endif
