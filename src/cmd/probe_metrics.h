#ifndef CMD_PROBE_METRICS_H
#define CMD_PROBE_METRICS_H

#include "app/settings.h"
#include "report/probe.h"

/* Checks, before the probe, that the file of --openmetrics can be written. */
int probe_metrics_check(const struct settings *);

/*
 * Writes the report to the file of --openmetrics, if that is given, by a
 * rename: a reader sees the whole old report or the whole new one. -1: fault.
 */
int probe_metrics(const struct settings *, const struct probe_report *);

#endif
