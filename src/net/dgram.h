#ifndef NET_DGRAM_H
#define NET_DGRAM_H

#include <sys/types.h>

#include "net/addr.h"

/*
 * Datagrams on a socket that many peers write to. A reply leaves from the
 * address that the question came to (ip(7), IP_PKTINFO), which a connected
 * peer insists on and a wildcard socket would not give.
 */

enum { DGRAM_MAX = 65536 };

/*
 * Asks the kernel for the address a datagram came to; before bind(2), as what
 * is queued earlier has none.
 */
void dgram_prepare(int fd, const struct addr *a);

/*
 * As recvfrom(2) and sendto(2), never waiting; to or from of length 0: not
 * known, the kernel's choice.
 */
ssize_t dgram_receive(int fd, void *room, size_t length, struct addr *from,
    struct addr *to);
ssize_t dgram_send(int fd, const void *data, size_t length,
    const struct addr *to, const struct addr *from);

/*
 * Takes a bound socket, with its queue, out of its reuseport group: nothing
 * more arrives, but what is queued can be read and answered.
 */
int dgram_part(int fd, const struct addr *bound);

/* Reads away what is queued: how many datagrams that were. */
int dgram_discard(int fd);

#endif
