#ifndef CMD_PROBE_COMPARE_H
#define CMD_PROBE_COMPARE_H

#include "app/settings.h"

/*
 * probe --compare; count: words, of which there are to be none. Returns a
 * status, or -1: fault.
 */
int probe_compare(const struct settings *, int count, int *ended_by);

#endif
