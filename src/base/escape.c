/*
 * UTF-8 and the escaping of foreign bytes. A character is shown as it is if it
 * is valid UTF-8 and harmless; otherwise each of its bytes is escaped.
 */
#include "base/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

int
utf8_length(const char *data, size_t length)
{
	const unsigned char *b = (const unsigned char *)data;
	uint32_t code, least;
	size_t want;

	if (!length)
		return -1;
	if (b[0] < 0x80)
		return 1;
	if (b[0] < 0xc2 || b[0] > 0xf4)
		return 0;
	want = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
	least = want == 2 ? 0x80 : want == 3 ? 0x800 : 0x10000;
	code = b[0] & (0x7fu >> want);
	for (size_t i = 1; i < want; i++) {
		if (i == length)
			return -1;
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (b[i] & 0x3f);
	}
	if (code < least || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return (int)want;
}

bool
utf8_valid(const char *data, size_t length)
{
	while (length) {
		int n = utf8_length(data, length);

		if (n <= 0)
			return false;
		data += n;
		length -= (size_t)n;
	}
	return true;
}

size_t
utf8_tail(const char *data, size_t length)
{
	for (size_t back = 1; back <= 3 && back <= length; back++)
		if (utf8_length(data + length - back, back) < 0)
			return back;
	return 0;
}

static size_t
escape_byte(unsigned char byte, char *out)
{
	if (byte == '\r' || byte == 0x1b || byte == '\n' || byte == '\t') {
		out[0] = '\\';
		out[1] = byte == '\r' ? 'r' : byte == '\n' ? 'n' :
		    byte == '\t' ? 't' : 'e';
		return 2;
	}
	return (size_t)sprintf(out, "\\x%02x", byte);
}

/* Ranges of characters that are invisible, or that change how others look. */
static const struct {
	uint32_t first, last;
} harmful[] = {
	{ 0x80, 0x9f },			/* C1 controls */
	{ 0x61c, 0x61c },		/* these change the direction of text */
	{ 0x200e, 0x200f },
	{ 0x202a, 0x202e },
	{ 0x2066, 0x2069 },
	{ 0x200b, 0x200d },		/* these have no width */
	{ 0xfeff, 0xfeff },
	{ 0x2028, 0x2029 },		/* these end a line */
};

/*
 * n, 2 to 4, is the number of the character's bytes; the first byte uses n + 1
 * bits to say so.
 */
static uint32_t
code_point(const char *data, int n)
{
	uint32_t code = (unsigned char)data[0] & (0x7fu >> n);

	for (int i = 1; i < n; i++)
		code = code << 6 | ((unsigned char)data[i] & 0x3f);
	return code;
}

static bool
is_harmless(const char *data, int n)
{
	unsigned char first = (unsigned char)data[0];
	uint32_t code;

	if (n <= 0)
		return false;
	if (n == 1)
		return first >= 0x20 && first != 0x7f;
	code = code_point(data, n);
	for (size_t i = 0; i < sizeof(harmful) / sizeof(harmful[0]); i++)
		if (code >= harmful[i].first && code <= harmful[i].last)
			return false;
	return true;
}

size_t
escape(const char *data, size_t length, bool lines, char *out)
{
	size_t used = 0;

	for (size_t i = 0; i < length;) {
		int n = utf8_length(data + i, length - i);

		if (lines && data[i] == '\r' && i + 1 < length &&
		    data[i + 1] == '\n') {
			i++;
		} else if (is_harmless(data + i, n) ||
		    (lines && (data[i] == '\n' || data[i] == '\t'))) {
			memcpy(out + used, data + i, (size_t)n);
			used += (size_t)n;
			i += (size_t)n;
		} else {
			used += escape_byte((unsigned char)data[i], out + used);
			i++;
		}
	}
	out[used] = '\0';
	return used;
}
