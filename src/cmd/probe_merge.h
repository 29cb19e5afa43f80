#ifndef CMD_PROBE_MERGE_H
#define CMD_PROBE_MERGE_H

#include "app/settings.h"
#include "base/fail.h"
#include "probe/stats/verdict.h"

/*
 * The exit status for a report. uneven: the P of --fail-uneven=P, or 0; flags:
 * those of --fail-flags.
 */
enum status probe_verdict(const struct settings *, const struct tally *,
    const struct verdict *, double uneven, unsigned flags);

/*
 * Adds up reports; the words name their files, "-" is stdin. Returns a status,
 * or -1: fault.
 */
int probe_merge(const struct settings *, int count, char *const *words,
    int *ended_by);

#endif
