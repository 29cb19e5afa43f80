#ifndef CMD_PROBE_FILES_H
#define CMD_PROBE_FILES_H

#include "app/settings.h"
#include "report/probe.h"

/* Checks, before the probe, that --openmetrics and --html can be written. */
int probe_files_check(const struct settings *);

/*
 * Writes the report to the files of --openmetrics and --html, if they are
 * given, by a rename: a reader sees the whole old report or the whole new one. A
 * device, a pipe, and stdout are written into. If one can't be written, the
 * other is. -1: fault.
 */
int probe_files(const struct settings *, const struct probe_report *);

#endif
