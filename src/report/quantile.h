#ifndef REPORT_QUANTILE_H
#define REPORT_QUANTILE_H

#include "math/hist.h"

/* Percentiles for people: p50, p90, p99, p99.9 and the maximum. */

enum { QUANTILES = 5, QUANTILE_TEXT = 48 };

/* "p90 60.0 us", "p90  110 us"; "" if the sample is too small for it. */
const char *quantile_text(const struct hist *, int which,
    char text[static QUANTILE_TEXT]);

#endif
