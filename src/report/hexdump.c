#include "report/hexdump.h"

enum { HEXDUMP_ROW = 16 };

static size_t
hexdump_row(char *line, const char *mark, size_t at, const unsigned char *data,
    size_t n)
{
	char *to = line + sprintf(line, "%s %08zx ", mark, at);

	for (size_t i = 0; i < HEXDUMP_ROW; i++) {
		if (i == 8)
			*to++ = ' ';
		to += i < n ? sprintf(to, " %02x", data[i]) :
		    sprintf(to, "   ");
	}
	to += sprintf(to, "  |");
	for (size_t i = 0; i < n; i++)
		*to++ = data[i] >= 0x20 && data[i] < 0x7f ? (char)data[i] : '.';
	to += sprintf(to, "|\n");
	return (size_t)(to - line);
}

void
hexdump(FILE *out, const char *mark, size_t at, const void *data,
    size_t length)
{
	char row[128];

	for (size_t i = 0; i < length; i += HEXDUMP_ROW) {
		size_t left = length - i;
		size_t n = hexdump_row(row, mark, at + i,
		    (const unsigned char *)data + i,
		    left < HEXDUMP_ROW ? left : HEXDUMP_ROW);

		fwrite(row, 1, n, out);
	}
}
