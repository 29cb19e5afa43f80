#ifndef CMD_PROBE_GROUP_H
#define CMD_PROBE_GROUP_H

#include "cmd/settings.h"

/* probe --group, --watch. Returns a status, or -1: fault. */
int probe_group(const struct settings *, const struct endpoint *,
    int *ended_by);

#endif
