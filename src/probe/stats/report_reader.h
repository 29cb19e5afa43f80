#ifndef PROBE_STATS_REPORT_READER_H
#define PROBE_STATS_REPORT_READER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "math/hist.h"

struct merge;

/*
 * Reads the fields of one report of probe --json. A field that is missing, or of
 * another type, is wrong; what is read then is 0, "" or as for null.
 */
struct reader {
	struct merge *merge;		/* that the report is added to */
	const char *wrong;		/* the first wrong field, or NULL */
	bool excess;			/* the sum would be too large */
};

void reader_wrong(struct reader *, const char *name);
void reader_excess(struct reader *, const char *name);

/* Null: NULL. */
json_t *reader_object(struct reader *, json_t *from, const char *name);
uint64_t reader_count(struct reader *, json_t *from, const char *name);
/* Null: -1. */
int reader_number(struct reader *, json_t *from, const char *name);
/* Null: NAN. */
double reader_real(struct reader *, json_t *from, const char *name);
/* Null: "". */
void reader_text(struct reader *, json_t *from, const char *name, char *out,
    size_t room);

/*
 * Add n, or the count of a field, to a sum. A sum above HIST_COUNT_MAX is in
 * excess: some readers of JSON can't read larger numbers.
 */
void reader_sum(struct reader *, uint64_t *sum, uint64_t n, const char *name);
void reader_add(struct reader *, json_t *from, const char *name, uint64_t *sum);
/* Adds the histograms of "latency" to those of LATENCIES phases. */
void reader_latencies(struct reader *, json_t *from, struct hist **into);

#endif
