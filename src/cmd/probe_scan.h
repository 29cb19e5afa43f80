#ifndef CMD_PROBE_SCAN_H
#define CMD_PROBE_SCAN_H

#include "app/settings.h"

/* True if the last word names several ports, such as "20-25,80". */
bool probe_scan_wanted(int count, char *const *words);

/* Reports which of the ports are open. Returns a status, or -1: fault. */
int probe_scan(const struct settings *, int count, char *const *words,
    int *ended_by);

#endif
