#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/* Foreign bytes: which are safe to show, and which are UTF-8. */

/*
 * The length of the valid UTF-8 character at the start of data; 0: there is
 * none; -1: more bytes are needed to know.
 */
int utf8_length(const char *data, size_t length);

bool utf8_valid(const char *data, size_t length);

/*
 * How many bytes at the end are the start of a character that is not complete:
 * 0 to 3. The caller keeps them until more bytes arrive.
 */
size_t utf8_tail(const char *data, size_t length);

enum { ESCAPE_MAX = 4 };	/* an escaped byte becomes at most this many */

/*
 * Escapes as \xNN, \r or \e all that a terminal might obey (controls, C1,
 * broken UTF-8). If lines is set, newline and tab stay, and CR before LF is
 * removed. out has room for ESCAPE_MAX * length + 1; returns the bytes written.
 */
size_t escape(const char *data, size_t length, bool lines, char *out);

#endif
