#ifndef CMD_PROBE_METRICS_H
#define CMD_PROBE_METRICS_H

#include "app/settings.h"
#include "report/probe.h"

/* Whether the file of --openmetrics can be written, before it is known what. */
int probe_metrics_check(const struct settings *);

/*
 * Writes the report to the file of --openmetrics, if one was named: whoever
 * reads it sees the old one or the new one, whole. -1 with a fault.
 */
int probe_metrics(const struct settings *, const struct probe_report *);

#endif
