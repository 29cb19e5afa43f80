#ifndef GROUP_STEER_MEMBER_INDEX_H
#define GROUP_STEER_MEMBER_INDEX_H

#include "kernel/sock_diag.h"
#include "net/addr.h"

/*
 * Finds the index of the listening socket fd in its group of n, without
 * disturbing other members or clients: see member_index.c. The search starts at
 * guess. Returns the index, or -1 if it can't be known (a fault says why). It
 * leaves a program on the group, which the caller replaces or detaches.
 */
int index_find(int fd, const struct addr *bound, int n, int guess,
    struct sock_diag *diag);

/*
 * Whether a packet can reach a socket that is bound to this address: this host
 * has an address of that family. If none can, an index means nothing.
 */
bool index_is_reachable(const struct addr *bound);

/*
 * Orders the n sockets of a group by index. list is sock_diag_group()'s; fd is
 * any member's socket. Datagram sockets must all drop packets with this mark
 * (index_hide()). -1: the order can't be known (a fault says why).
 */
int index_order(int fd, const struct addr *bound, struct sock_diag *diag,
    struct diag_sock *list, int n, const uint32_t mark[4]);

/*
 * Makes a datagram socket drop, and count, the packets of index_order(). If
 * that fails, the order can't be found.
 */
int index_hide(int fd, const uint32_t mark[4]);

#endif
