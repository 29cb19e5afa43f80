#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <sys/types.h>

/* base64, RFC 4648 section 4. */

/* Room that the text of so many bytes needs, its end included. */
#define BASE64_TEXT(length) ((length) / 3 * 4 + 5)

/* out has room for BASE64_TEXT(length); returns the text's length. */
size_t base64(const void *data, size_t length, char *out);

/*
 * Decodes text of this length; out has room for length / 4 * 3 bytes. Returns
 * the number of bytes, or -1: base64() does not write that text.
 */
ssize_t base64_decode(const char *text, size_t length, void *out);

#endif
