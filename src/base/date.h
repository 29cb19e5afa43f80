#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdint.h>

/*
 * Reads "2026-11-30T14:00:00Z", with a fraction or an offset such as +02:00
 * (RFC 3339), or "+30s": so long after now. Times are microseconds since the
 * epoch. 0; -1: neither, or no such day; *when is kept.
 */
int date_parse(const char *text, int64_t now, int64_t *when);

#endif
