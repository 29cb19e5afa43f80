#ifndef GROUP_REACH_PORT_SEARCH_H
#define GROUP_REACH_PORT_SEARCH_H

#include "group/reach/port_plan.h"
#include "kernel/sock_diag.h"
#include "net/ephemeral_ports.h"

/*
 * Chooses the source port of a connection by the socket that would get it.
 * sock_diag(7) is asked about addresses that have no connection yet. It answers
 * with the listener, or the UDP socket, that the kernel's hash chooses for them
 * (kernel 6.1 net/ipv4/inet_hashtables.c, __inet_lookup_listener() without a
 * packet). A BPF program that overrides the hash is not asked.
 */
struct port_search {
	/* The caller's. */
	struct sock_diag *diag;
	int protocol;			/* IPPROTO_TCP or IPPROTO_UDP */
	struct addr target;
	struct port_plan *plan;		/* NULL: any socket will do */
	/* The rest is port_search.c's. */
	struct ephemeral_ports ports;
	uint16_t port;			/* 0: the next one is to be chosen */
	struct addr port_first;		/* the first address that used the port */
	int asked;			/* ports, since port_search_begin() */
};

/* The caller's fields are set afterwards. */
void port_search_init(struct port_search *);

/* A connection is to be made; port_search_next() may then be called again. */
void port_search_begin(struct port_search *);
/*
 * Sets the port of ours to the next one that has no connection to the target,
 * not even in TIME_WAIT, and that a wanted socket gets: inode. Returns 1; 0: no
 * such port was found among as many as are worth asking; -1: nothing can be
 * asked. If addresses take turns, each uses a port once before the next port.
 */
int port_search_next(struct port_search *, struct addr *ours, uint64_t *inode);

/*
 * The inode of the socket that would get a connection from ours; 0: none, or it
 * is not known. -1: nothing can be asked.
 */
int port_search_ask(struct port_search *, const struct addr *ours,
    uint64_t *inode);

#endif
