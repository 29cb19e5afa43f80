#ifndef REPORT_HEXDUMP_H
#define REPORT_HEXDUMP_H

#include <stddef.h>
#include <stdio.h>

/*
 * Writes data as rows of 16 bytes. A row begins with the mark (at most 23
 * bytes) and its offset; the first row's offset is at:
 *
 *	#1< 00000010  68 65 6c 6c 6f 0a                 |hello.|
 */
void hexdump(FILE *out, const char *mark, size_t at, const void *data,
    size_t length);

#endif
