#include "base/base64.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { QUAD = 4, DIGIT_BITS = 6 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
base64(const void *data, size_t length, char *out)
{
	const unsigned char *b = data;
	char *at = out;

	for (; length; b += 3) {
		size_t n = length < 3 ? length : 3;
		uint32_t word = (uint32_t)b[0] << 16 |
		    (n > 1 ? (uint32_t)b[1] << 8 : 0) | (n > 2 ? b[2] : 0);

		*at++ = digits[word >> 18];
		*at++ = digits[word >> 12 & 63];
		*at++ = n > 1 ? digits[word >> 6 & 63] : '=';
		*at++ = n > 2 ? digits[word & 63] : '=';
		length -= n;
	}
	*at = '\0';
	return (size_t)(at - out);
}

/* Reads four digits, the last `padding` of which are '='. */
static bool
quad_read(const char *text, size_t padding, uint32_t *word)
{
	*word = 0;
	for (size_t i = 0; i < QUAD; i++) {
		const char *found = text[i] ? strchr(digits, text[i]) : NULL;
		bool filled = i >= QUAD - padding;

		if (filled ? text[i] != '=' : !found)
			return false;
		*word = *word << DIGIT_BITS | (filled ? 0 :
		    (uint32_t)(found - digits));
	}
	return true;
}

static size_t
padding_of(const char *text, size_t length)
{
	return length && text[length - 1] == '=' ?
	    text[length - 2] == '=' ? 2 : 1 : 0;
}

ssize_t
base64_decode(const char *text, size_t length, void *out)
{
	unsigned char *to = out;
	uint32_t word;

	if (length % QUAD)
		return -1;
	for (size_t at = 0; at < length; at += QUAD) {
		size_t fill = at + QUAD < length ? 0 : padding_of(text, length);

		if (!quad_read(text + at, fill, &word) ||
		    word & ((UINT32_C(1) << 8 * fill) - 1))
			return -1;
		for (size_t i = 0; i < 3 - fill; i++)
			*to++ = (unsigned char)(word >> (16 - 8 * i));
	}
	return to - (unsigned char *)out;
}
