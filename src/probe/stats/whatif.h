#ifndef PROBE_STATS_WHATIF_H
#define PROBE_STATS_WHATIF_H

#include "probe/stats/tally.h"

/*
 * How many flows would move to another socket if the group changed: by how
 * the kernel scales a hash to an index, as it doesn't tell the hash.
 */

/*
 * The fraction of all flows that move when socket number index leaves a group
 * of n, and the last one fills the hole; index n: when one more joins.
 */
double whatif_fraction(int n, int index);

/* Whether it can be a change; -1: usage. */
int whatif_check(const char *change);

/*
 * change is "+1", "-1", or the name or pid of who leaves; the rows' weights
 * are their sockets. -1 with a fault that says why nothing can be said.
 */
int whatif_make(struct probe_what_if *out, const struct tally *,
    const char *change);

#endif
