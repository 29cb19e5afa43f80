#ifndef GROUP_INDEX_H
#define GROUP_INDEX_H

#include "net/addr.h"
#include "net/diag.h"

/*
 * Finds the index that the kernel has given to the listening socket fd, of n
 * in its group, without disturbing anybody: see index.c. The search starts
 * at guess. Returns it, or -1 where it can't be known (a fault says why).
 * Leaves a program on the group that is to be replaced or detached.
 */
int index_find(int fd, const struct addr *bound, int n, int guess,
    struct diag *diag);

#endif
