#ifndef CMD_PROBE_HDR_LOG_H
#define CMD_PROBE_HDR_LOG_H

#include <stdio.h>

#include "app/settings.h"
#include "base/loop.h"
#include "math/hist.h"

struct attempt_result;

/*
 * The file of --hdr-log: a line for each second and phase. Without the option
 * all of these do nothing. All is zero before it is opened.
 */
struct probe_hdr_log {
	FILE *out;			/* NULL: not wanted */
	const char *name;
	struct hist *phases;		/* this interval's, by enum latency */
	struct loop *loop;
	struct timer timer;
	int64_t began, from;		/* the log, the interval: clock_ns() */
	bool short_of_memory;
};

/* Opens the file, before the first connection. -1: fault. */
int probe_hdr_log_open(struct probe_hdr_log *, const struct settings *);
/* The first interval begins. -1 without memory. */
int probe_hdr_log_start(struct probe_hdr_log *, struct loop *);
void probe_hdr_log_add(struct probe_hdr_log *, const struct attempt_result *);
/* Writes the last interval and closes the file. -1: fault. */
int probe_hdr_log_end(struct probe_hdr_log *);
/* Closes it; also after a failure. */
void probe_hdr_log_close(struct probe_hdr_log *);

#endif
