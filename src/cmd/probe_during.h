#ifndef CMD_PROBE_DURING_H
#define CMD_PROBE_DURING_H

#include "app/settings.h"

/*
 * Makes attempts while a command runs (the words after "--"), and reports what
 * was lost. Returns a status, or -1: fault.
 */
int probe_during(const struct settings *, int count, char *const *words,
    int *ended_by);

#endif
