#ifndef RELAY_PEER_GONE_H
#define RELAY_PEER_GONE_H

#include <stdbool.h>

#include "kernel/sock_diag.h"
#include "net/conn.h"

/*
 * A peer has sent a FIN: did it half-close (shutdown(2)), or did it close? The
 * FIN is the same. If the peer is on this host, sock_diag(7) shows its socket:
 * with an inode a process has it, and can still receive; without one, or in
 * TIME_WAIT, no process has it. If the peer is on another host and has closed,
 * that host answers data or a keepalive probe with a reset.
 */
struct peer_gone {
	struct sock_diag *diag;	/* opened when first needed */
	bool refused;		/* sock_diag_open() failed: not tried again */
};

enum peer_state {
	PEER_UNKNOWN,		/* the kernel does not say */
	PEER_ABSENT,		/* not listed: on another host, or long gone */
	PEER_THERE,		/* a process has its socket */
	PEER_ORPHAN,		/* no process has its socket */
};

/* Only TCP needs these. A Unix socket hangs up when its peer is gone. */
bool peer_is_tcp(const struct conn *);

/* Opens the way to ask, so that peer_state() needs no new socket. */
void peer_gone_open(struct peer_gone *);

enum peer_state peer_state(struct peer_gone *, const struct conn *);

/* Turns on keepalive: a silent peer that is gone becomes a socket error. */
void peer_keepalive(const struct conn *);

/*
 * After an error of the socket: whether it answers a keepalive probe. If so,
 * the peer had already closed, and had read all that it acknowledged.
 */
bool peer_was_probed(const struct conn *);

/*
 * Whether TCP has closed the connection, in order or not. SO_ERROR may be 0
 * after a reset: a sendfile(2) that moved something has consumed the error.
 */
bool peer_is_cut_off(const struct conn *);

void peer_gone_close(struct peer_gone *);

#endif
