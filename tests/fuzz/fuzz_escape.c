/* Foreign bytes at a terminal, and UTF-8 that comes in pieces. */
#include <stdbool.h>
#include <stdio.h>

#include "base/escape.h"
#include "fuzz.h"
#include "report/hexdump.h"
#include "report/table.h"
#include "report/wrap.h"

/* No terminal obeys what is left: no control but those of lines, no C1. */
static void
check(const char *text, size_t n, bool lines)
{
	HOLDS(utf8_valid(text, n));
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == 0xc2 && i + 1 < n)
			HOLDS((unsigned char)text[i + 1] >= 0xa0);
		HOLDS(c >= ' ' || (lines && (c == '\n' || c == '\t')));
		HOLDS(c != 127);
	}
}

static void
check_escape(const char *data, size_t length)
{
	char *room = malloc(ESCAPE_MAX * length + 1);

	HOLDS(room);
	for (int lines = 0; lines < 2; lines++) {
		size_t n = escape(data, length, lines, room);

		HOLDS(n <= ESCAPE_MAX * length);
		check(room, n, lines);
		free(wrap_text(room, 40));
		table_cut(room, 30);
		HOLDS(table_cells(room) <= 30);
	}
	free(room);
}

static void
check_tail(const char *data, size_t length)
{
	size_t tail = utf8_tail(data, length);

	HOLDS(tail <= 3 && tail <= length);
	if (utf8_valid(data, length))
		HOLDS(tail == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	char *copy = fuzz_copy(data, length), *text = fuzz_text(data, length);
	char plain[TABLE_PLAIN], *dump = NULL;
	size_t size;
	FILE *out = open_memstream(&dump, &size);

	HOLDS(out);
	check_escape(copy, length);
	check_tail(copy, length);
	table_plain(text, plain);
	check(plain, strlen(plain), false);
	hexdump(out, "#1< ", length, copy, length);
	wrap_cut(out, text, 40);
	fclose(out);
	free(dump);
	free(text);
	free(copy);
	return 0;
}
