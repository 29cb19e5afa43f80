#ifndef CMD_PROBE_GROUP_H
#define CMD_PROBE_GROUP_H

#include "app/settings.h"

/* Runs probe --group, with or without --watch. A status, or -1: fault. */
int probe_group(const struct settings *, const struct endpoint *,
    int *ended_by);

/*
 * Resolves the host that was named, which must be this one; -1: a fault. If
 * none was named, out stays as it is.
 */
int probe_host(const struct settings *, const struct endpoint *,
    const char *option, struct addr *out);

#endif
