#ifndef NET_MULTICAST_H
#define NET_MULTICAST_H

#include "net/addr.h"

/* Multicast groups of datagram sockets, IPv4 and IPv6. */

bool multicast_is_group(const struct addr *);
/* An IPv6 group of one link (or interface): each interface has its own. */
bool multicast_is_of_link(const struct in6_addr *);

/*
 * Joins a bound socket to the group that it is bound to: on interface (NULL:
 * the scope of the address, or what the routes say), from all senders or only
 * from source (len 0: all). -1: see fail_text().
 */
int multicast_join(int fd, const struct addr *group, const char *interface,
    const struct addr *source);
#endif
