#ifndef CMD_PROBE_DURING_H
#define CMD_PROBE_DURING_H

#include "app/settings.h"

/*
 * As a command's run(): attempts while the words behind "--" run as a command,
 * and what was lost.
 */
int probe_during(const struct settings *, int count, char *const *words,
    int *ended_by);

#endif
