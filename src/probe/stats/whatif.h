#ifndef PROBE_STATS_WHATIF_H
#define PROBE_STATS_WHATIF_H

#include "probe/stats/tally.h"

/*
 * How many flows would move to another socket if the group changed. The kernel
 * does not show the hash, but how it scales a hash to an index is known.
 */

/*
 * The fraction of all flows that move if the socket with that index leaves a
 * group of n, and the last one takes its index. index n: if one joins.
 */
double whatif_fraction(int n, int index);

/* Checks the syntax of a change; -1: a usage fault. */
int whatif_check(const char *change);

/*
 * change: "+1", "-1", or the name or pid of a member that leaves. The weights
 * of the rows are their sockets. -1: a fault that says why it is not known.
 */
int whatif_make(struct probe_what_if *out, const struct tally *,
    const char *change);

#endif
