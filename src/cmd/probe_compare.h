#ifndef CMD_PROBE_COMPARE_H
#define CMD_PROBE_COMPARE_H

#include "app/settings.h"

/*
 * Runs probe --compare. count: the number of words, which must be 0. Returns a
 * status, or -1: fault.
 */
int probe_compare(const struct settings *, int count, int *ended_by);

#endif
