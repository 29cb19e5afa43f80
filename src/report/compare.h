#ifndef REPORT_COMPARE_H
#define REPORT_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "report/field.h"
#include "report/quantile.h"
#include "report/table.h"

/*
 * Accept models under one load, as plain data. Latencies are microseconds;
 * unknown values are NAN or -1.
 */

/*
 * A model in one phase: medians of its rounds, sums of what is counted, and
 * percentiles of all requests.
 */
struct compare_figures {
	uint64_t attempts, failed;
	double rate;			/* connections a second */
	double p50, p99;		/* until a request is answered */
	char few[QUANTILE_FEW];
	const char *too_few;		/* few: why these are unknown; or NULL */
	double cpu;			/* the server's, per connection */
	double max_share;		/* the part of the busiest worker */
	double shares[128];
	size_t share_count;
};

struct compare_model {
	const char *model;
	const char *command, *stalling;	/* to start it by hand */
	struct compare_figures idle, busy, stall;
};

/*
 * Reuseport against another model, paired by rounds: over 1, reuseport is
 * better.
 */
struct compare_ratio {
	const char *measure, *against;
	double median, low, high;
	const char *finding;
};

/*
 * Long connections that came one after the other: those of the busiest worker,
 * to the mean of all.
 */
struct compare_long_figures {
	int64_t connections;		/* -1: not measured */
	double hash, least;		/* the kernel's choice; --steer least */
};

struct compare_report {
	const char *command;		/* "compare" */
	int64_t workers, processors;
	int64_t rounds, planned;
	int64_t concurrency;		/* busy */
	double rate;			/* stalling, a second */
	int64_t size;			/* bytes of a request */
	double work, stall;		/* microseconds: CPU, and sleep */
	int64_t every;			/* stalls at each so many requests */
	double seconds;
	const struct compare_model *models;
	size_t model_count;
	const struct compare_ratio *ratios;
	size_t ratio_count;
	struct compare_long_figures long_connections;
	const char *verdict;
	const char *const *advice;	/* sentences */
	bool detail;			/* -v: for people only */
};

extern const struct field compare_fields[];	/* for struct compare_report */

/* Writes it for people: lines, without the last one's end. */
void compare_human(FILE *out, const struct compare_report *,
    const struct table_style *);

#endif
