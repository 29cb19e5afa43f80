#ifndef GROUP_STEER_H
#define GROUP_STEER_H

#include "net/addr.h"

/*
 * Programs that choose a group's member for a new connection: classic BPF,
 * attached through any member's socket, without privilege (socket(7),
 * SO_ATTACH_REUSEPORT_CBPF). A group has one, and cannot be asked for it. A
 * result that is no index leaves the choice to the kernel's hash.
 */

/* A member of n at random, but never the one with this index. n > 1. */
int steer_exclude(int fd, int n, int index);

/* Packets from this address and port go to index, all others by the hash. */
int steer_one_flow(int fd, const struct addr *from, int index);

/* Takes away the group's program; none there is no fault. */
int steer_detach(int fd);

#endif
