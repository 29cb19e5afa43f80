#ifndef CMD_PROBE_SCAN_H
#define CMD_PROBE_SCAN_H

#include "app/settings.h"

/* Whether the words name several ports: "20-25,80" behind the host, if any. */
bool probe_scan_wanted(int count, char *const *words);

/* As a command's run(): which of them are open. */
int probe_scan(const struct settings *, int count, char *const *words,
    int *ended_by);

#endif
