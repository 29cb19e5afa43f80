#ifndef CMD_PROBE_MERGE_H
#define CMD_PROBE_MERGE_H

#include "app/settings.h"
#include "base/fail.h"
#include "probe/stats/verdict.h"

/* The exit status that a report gives; uneven is that of --fail-uneven=P. */
enum status probe_verdict(const struct settings *, const struct tally *,
    const struct verdict *, double uneven);

/*
 * Adds up the reports in the files that the words are; "-" is stdin. Returns
 * a status, or -1: fault.
 */
int probe_merge(const struct settings *, int count, char *const *words,
    int *ended_by);

#endif
