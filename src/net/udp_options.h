#ifndef NET_UDP_OPTIONS_H
#define NET_UDP_OPTIONS_H

#include "net/addr.h"

/* Sockets for datagrams, before any came and after the last. */

/*
 * Asks the kernel for the address a datagram came to; before bind(2), as what
 * is queued earlier has none.
 */
void udp_prepare(int fd, const struct addr *a);
/* Makes room for a burst, as far as the kernel allows. */
void udp_enlarge(int fd);
/* Takes those of equal size joined; for a socket that nobody else reads. */
void udp_join(int fd);

/*
 * Takes a bound socket, with its queue, out of its reuseport group: nothing
 * more arrives, but what is queued can be read and answered.
 */
int udp_part(int fd, const struct addr *bound);

/* Reads away what is queued: how many datagrams that were. */
int udp_discard(int fd);

#endif
