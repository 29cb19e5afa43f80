#ifndef PROBE_LOAD_LOAD_INTERNAL_H
#define PROBE_LOAD_LOAD_INTERNAL_H

#include "probe/load/load.h"

/* load_identify.c, for load.c: --by, and what stands for "auto". */

/* Finds the port's registry. -1: --by registry is asked for, in vain. */
int load_identify_open(struct load *, const struct endpoint *);
/* Aims at an address. -1: --by diag is asked for, and can't be had. */
int load_identify_aim(struct load *, const struct addr *);

#endif
