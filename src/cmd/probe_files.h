#ifndef CMD_PROBE_FILES_H
#define CMD_PROBE_FILES_H

#include "app/settings.h"
#include "report/probe.h"

/*
 * Checks, before the probe, that --openmetrics and --html can be written, and
 * that they, --hdr-log and the merged files (count words) are different files.
 * "-" is standard output, which then has no report for people.
 */
int probe_files_check(const struct settings *, int count, char *const *words);

/*
 * Writes the report to the files of --openmetrics and --html, if they are
 * given, by a rename: a reader sees the whole old report or the whole new one. A
 * device, a pipe, and stdout are written into. If one can't be written, the
 * other is. -1: fault.
 */
int probe_files(const struct settings *, const struct probe_report *);

/*
 * Opens a file that is written into and never replaced: "-", a device such as
 * /dev/null, a pipe, or what stdout or stderr is open on, which /dev/stdout
 * leads to. A fifo without a reader is ENXIO, not awaited. -1 with errno 0: the
 * file is none of these; else errno says why.
 */
int probe_file_open(const char *file);

/* A fault: errno says why the file of this option can't be written. -1. */
int probe_file_fail(const char *option, const char *file);

#endif
