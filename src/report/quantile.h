#ifndef REPORT_QUANTILE_H
#define REPORT_QUANTILE_H

#include "math/hist.h"

/* Percentiles for people: p50, p90, p99, p99.9 and the maximum. */

enum quantile {
	QUANTILE_P50, QUANTILE_P90, QUANTILE_P99, QUANTILE_P999, QUANTILE_MAX,
	QUANTILES,
};
enum { QUANTILE_TEXT = 48, QUANTILE_FEW = 128 };

/* "p90 60.0 us", "p90  110 us"; "" if the sample is too small for it. */
const char *quantile_text(const struct hist *, int which,
    char text[static QUANTILE_TEXT]);

/*
 * Says which of these (bits 1 << enum quantile) the sample is too small for:
 * "p99 needs 1000 samples, p999 needs 10000 samples"; NULL: for none.
 */
const char *quantile_too_few(const struct hist *, unsigned which,
    char text[static QUANTILE_FEW]);

#endif
