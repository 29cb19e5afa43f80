#ifndef CMD_PROBE_GROUP_H
#define CMD_PROBE_GROUP_H

#include "app/settings.h"

/* probe --group, --watch. Returns a status, or -1: fault. */
int probe_group(const struct settings *, const struct endpoint *,
    int *ended_by);

/*
 * The address of a host that was named, which must be this one; -1: a fault.
 * None was named: out stays as it is.
 */
int probe_host(const struct settings *, const struct endpoint *,
    const char *option, struct addr *out);

#endif
