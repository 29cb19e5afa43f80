#ifndef CMD_PROBE_QUARANTINE_H
#define CMD_PROBE_QUARANTINE_H

#include "app/settings.h"

/* Runs probe --quarantine or --rescue. Returns a status, or -1: fault. */
int probe_quarantine(const struct settings *, const struct endpoint *,
    int *ended_by);

#endif
