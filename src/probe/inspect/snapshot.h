#ifndef PROBE_INSPECT_SNAPSHOT_H
#define PROBE_INSPECT_SNAPSHOT_H

#include <stdbool.h>

#include "group/diagnose/port_sockets.h"

/* The sockets of a port at one moment, as the kernel lists them. */
struct snapshot {
	struct port_sockets listening;	/* no owners, no registry */
	struct port_sockets bound;	/* TCP: those that do not listen */
	struct port_sockets waiting;	/* clients that are not accepted yet */
};

/* -1: the kernel can't be asked (a fault says why). */
int snapshot_take(struct snapshot *, struct sock_diag *, bool datagram,
    uint16_t port);
void snapshot_free(struct snapshot *);

/* The listening socket with this cookie, or NULL. */
const struct diag_sock *snapshot_find(const struct snapshot *, uint64_t cookie);

/*
 * Whether a listening socket of the last of n snapshots has clients waiting,
 * and is_stopped(), or has accepted none since the first snapshot. If it is not
 * known which listener accepted none (see snapshot.c), only is_stopped()
 * counts.
 */
bool snapshot_is_stuck(const struct snapshot *, int n, const struct diag_sock *,
    bool (*is_stopped)(const struct diag_sock *, void *), void *arg);

/*
 * Whether a listening socket of the last of n snapshots is full. A datagram
 * queue may be full a little below its limit. So it counts as full if datagrams
 * were dropped between the snapshots, or before, and it has not shrunk since.
 */
bool snapshot_is_full(const struct snapshot *, int n, const struct diag_sock *);

/*
 * The longest wait of a client, in milliseconds; only of clients that can't be
 * in any other queue than this socket's, or, with group, its group's. -1: none,
 * or not known.
 */
int64_t snapshot_oldest(const struct snapshot *, const struct diag_sock *,
    bool group);

#endif
