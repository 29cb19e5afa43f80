#ifndef NET_UDP_OPTIONS_H
#define NET_UDP_OPTIONS_H

#include "net/addr.h"

/* Datagram sockets: how to open them, and how to take them out of a group. */

/*
 * Asks the kernel to report the address that each datagram came to. Call it
 * before bind(2), because datagrams queued earlier have none.
 */
void udp_prepare(int fd, const struct addr *a);
/* Enlarges the receive buffer for bursts, as far as the kernel allows. */
void udp_enlarge(int fd);
/*
 * Lets routers cut a datagram that is too large for a link on the way. Else it
 * is lost, and a connected socket has EMSGSIZE, which the next call returns.
 */
void udp_let_fragment(int fd, const struct addr *a);
/* Lets the kernel join equal datagrams; only if no other process reads it. */
void udp_join(int fd);

/*
 * Takes a bound socket, with its queue, out of its reuseport group: nothing
 * more arrives, but the queued datagrams can be read and answered.
 */
int udp_part(int fd, const struct addr *bound);

/* Discards the queued datagrams; returns their number. */
int udp_discard(int fd);

#endif
