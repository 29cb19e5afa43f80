#ifndef RELAY_PEER_GONE_H
#define RELAY_PEER_GONE_H

#include <stdbool.h>

#include "kernel/sock_diag.h"
#include "net/conn.h"

/*
 * After a peer's FIN: did it half-close, or has no process its socket any more?
 * The FIN is the same. If the peer is on this host, sock_diag(7) knows: with an
 * inode, a socket in FIN_WAIT2 can still receive; without one, or in TIME_WAIT,
 * it belongs to no process. If the peer is elsewhere, TCP finds out: its host
 * answers data or a keepalive probe with a reset.
 */
struct peer_gone {
	struct sock_diag *diag;	/* opened when first needed */
	bool refused;		/* it can't be had */
};

enum peer_state {
	PEER_UNKNOWN,		/* the kernel does not say */
	PEER_ABSENT,		/* not listed: on another host, or long gone */
	PEER_THERE,		/* a process has its socket */
	PEER_ORPHAN,		/* nobody has */
};

/*
 * Only TCP has these questions. A Unix socket hangs up when its peer is gone.
 */
bool peer_is_tcp(const struct conn *);

enum peer_state peer_state(struct peer_gone *, const struct conn *);

/* Has TCP probe a silent peer: a reset or a time-out will be its event. */
void peer_keepalive(const struct conn *);

/*
 * After an error of the socket: whether it was the answer to such a probe. If
 * so, the peer was gone before, and has left nothing unread.
 */
bool peer_was_probed(const struct conn *);

/*
 * Whether TCP has closed the connection, in order or not. SO_ERROR may be 0
 * after a reset: a sendfile(2) that moved something has consumed the error.
 */
bool peer_is_cut_off(const struct conn *);

void peer_gone_close(struct peer_gone *);

#endif
