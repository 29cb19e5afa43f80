#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdint.h>
#include <stddef.h>

/* Numbers as people type and read them. Parsers return 0; -1: *out is kept. */

/* A whole decimal number from min to max, without a sign or other text. */
int num_parse(const char *text, int64_t min, int64_t max, int64_t *out);

/*
 * "10", "0.5", ".5", "250ms", "20us", "5m", "1h" in microseconds; without a
 * unit, seconds.
 */
int duration_parse(const char *text, int64_t *microseconds);

/* A number of bytes: "65536", or "64K", "4M", "1G" (powers of 1024). */
int size_parse(const char *text, int64_t *bytes);

enum { NUM_TEXT = 40 };

/*
 * For people, with three digits that count: "512 B", "1.50 KiB", "64.0 MiB";
 * "35.0 us", "3.61 ms", "1.20 s", "2 min 5 s", "4 h 5 min"; "0.25", "34125". A
 * number that is not finite is "-". age_text() is for a time that is still
 * growing: "12 s", "2 min 5 s".
 */
const char *bytes_text(uint64_t bytes, char text[static NUM_TEXT]);
const char *nanoseconds_text(int64_t ns, char text[static NUM_TEXT]);
const char *duration_text(int64_t microseconds, char text[static NUM_TEXT]);
const char *seconds_text(double seconds, char text[static NUM_TEXT]);
const char *age_text(int64_t seconds, char text[static NUM_TEXT]);
const char *rate_text(double per_second, char text[static NUM_TEXT]);

/* "" for 1, else "s": for the end of a word that is counted. */
const char *plural(uint64_t n);

/* The number of single-letter edits between a and b: for "did you mean". */
size_t edit_distance(const char *a, const char *b);

#endif
