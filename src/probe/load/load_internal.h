#ifndef PROBE_LOAD_LOAD_INTERNAL_H
#define PROBE_LOAD_LOAD_INTERNAL_H

#include "probe/load/load.h"

/* load_identify.c, for load.c: --by, and what stands for "auto". */

/* Finds the port's registry. -1: --by registry is asked for, in vain. */
int load_identify_open(struct load *, const struct endpoint *);
/* Aims at an address. -1: --by diag is asked for, and can't be had. */
int load_identify_aim(struct load *, const struct addr *);

/* load_reach.c, for load.c: attempts at given members. */

/* After load_identify_open(). */
void load_reach_open(struct load *);
void load_reach_close(struct load *);
/* After load_identify_aim(). -1: a fault. */
int load_reach_aim(struct load *, const struct addr *);
/* Whether attempts are made one at a time. */
bool load_reach_is_single(const struct load *);
/* Whether more attempts are wanted. */
bool load_reach_has_more(const struct load *);
/* Whether an attempt that has ended came to another member: then it is over. */
bool load_reach_misses(struct load *, const struct attempt *,
    const struct attempt_result *);

#endif
