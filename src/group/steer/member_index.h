#ifndef GROUP_STEER_MEMBER_INDEX_H
#define GROUP_STEER_MEMBER_INDEX_H

#include "kernel/sock_diag.h"
#include "net/addr.h"

/*
 * Finds the index that the kernel has given to the listening socket fd, of n in
 * its group, without disturbing anybody: see member_index.c. The search starts
 * at guess. Returns it, or -1 where it can't be known (a fault says why).
 * Leaves a program on the group that is to be replaced or detached.
 */
int index_find(int fd, const struct addr *bound, int n, int guess,
    struct sock_diag *diag);

/*
 * Whether a packet can come to a socket that is bound so: this host has an
 * address of that family. If none can, an index means nothing.
 */
bool index_is_reachable(const struct addr *bound);

/*
 * The same of the n sockets of a whole group, in list as sock_diag_group() gave
 * it, through any member's socket fd: orders the list by index. Datagram
 * sockets must all drop what has this mark (index_hide()). -1: the order
 * can't be known (a fault says why).
 */
int index_order(int fd, const struct addr *bound, struct sock_diag *diag,
    struct diag_sock *list, int n, const uint32_t mark[4]);

/*
 * Makes a datagram socket drop, and count, what index_order() sends it; on
 * failure it is not to be had.
 */
int index_hide(int fd, const uint32_t mark[4]);

#endif
