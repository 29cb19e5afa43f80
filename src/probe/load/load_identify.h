#ifndef PROBE_LOAD_LOAD_IDENTIFY_H
#define PROBE_LOAD_LOAD_IDENTIFY_H

#include "probe/load/load.h"

/* How a load learns which member answers: --by, and what stands for "auto". */

/* Finds the port's registry. -1: --by registry is asked for, in vain. */
int load_identify_open(struct load *, const struct endpoint *);
/* Aims at an address. -1: --by diag is asked for, and can't be had. */
int load_identify_aim(struct load *, const struct addr *);

/*
 * Looks for members that came or went, and adds rows for new ones. Returns 1 if
 * there were any or if the steering changed, 0 if not or if that is unknown, -1
 * if nothing can be asked. doubt: also look for processes that came to hold the
 * same sockets.
 */
int load_follow(struct load *, bool doubt);

/* The address and protocol; how members are known (NULL: they are not). */
struct probe_target load_target(const struct load *);
const char *load_by(const struct load *);
/* Whether several processes of this host accept from one socket there. */
bool load_is_shared(const struct load *);

#endif
