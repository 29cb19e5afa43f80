#ifndef MATH_HIST_HDR_H
#define MATH_HIST_HDR_H

#include <stdbool.h>

#include "math/hist.h"

/*
 * Histograms as text of HdrHistogram: its compressed V2 form in base64, which
 * begins with "HISTFAAAA". Its buckets for two significant digits are those of
 * struct hist, index for index. It holds the buckets alone, in nanoseconds.
 * Source: HdrHistogram 2.2.2, AbstractHistogram.java, ZigZagEncoding.java.
 */

/*
 * Loads zlib, before a sandbox forbids it: linked, it would cost each start 0.05
 * ms. -1: it can't be loaded. The functions below load it, too.
 */
int hist_hdr_load(void);

/* Makes the text; the caller frees it. -1 without memory or zlib. */
int hist_hdr_encode(const struct hist *h, char **text);

/*
 * Reads such text. min, max and sum follow from the buckets: the bounds of the
 * first and of the last one, and the middles of all. hist_refine() knows them
 * better. Returns -1, and h is empty, if this is no such text, or if it is of
 * other buckets, of values over HIST_MAX or of more than HIST_COUNT_MAX.
 */
int hist_hdr_decode(const char *text, struct hist *h);

/* Whether the text says that it is one. */
bool hist_hdr_is(const char *text);

#endif
