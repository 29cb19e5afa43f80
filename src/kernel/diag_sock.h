#ifndef KERNEL_DIAG_SOCK_H
#define KERNEL_DIAG_SOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"

/* One socket as sock_diag(7) describes it. */
struct diag_sock {
	struct addr local, remote;	/* remote port 0: none */
	uint8_t protocol;	/* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t state;		/* TCP_LISTEN...; an unconnected UDP socket is
				   TCP_CLOSE, a connected one TCP_ESTABLISHED */
	int v6only;		/* 0 or 1; -1: unknown (IPv4, or connected) */
	uint32_t ifindex;	/* the device it is bound to; 0: any */
	uint32_t uid;		/* the user that called socket(2) */
	uint64_t inode;		/* 0: not accepted yet, or orphaned */
	uint64_t cookie;	/* SO_COOKIE */
	uint32_t rqueue;	/* listener: accept queue; else unread bytes */
	uint32_t wqueue;	/* listener: its limit; else unsent bytes */
	/* Only a listing fills these in; sock_diag_get() does not. */
	uint32_t rcvbuf;	/* bytes */
	uint64_t drops;		/* SK_MEMINFO_DROPS, modulo 2^32 */
	bool mptcp;		/* the TCP socket of an MPTCP one */
	uint32_t age_ms;	/* TCP: since data was last sent; before that,
				   as in an accept queue, since it was made */
};

#endif
