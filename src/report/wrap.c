#include "report/wrap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "terminal/columns.h"

enum { MORE = 2 };

/* A colour, or one character; adds what it takes of a line to cells. */
static const char *
wrap_next(const char *at, int *cells)
{
	if (*at == '\033') {
		at += strcspn(at, "m\n");
		return *at == 'm' ? at + 1 : at;
	}
	for (at++; (*at & 0xc0) == 0x80; at++)
		continue;
	++*cells;
	return at;
}

/* A blank, but not the one in "99 %". */
static bool
wrap_may_break(const char *at)
{
	return *at == ' ' && at[1] != '%';
}

/* Finds the last place where the line can end: a blank, or its own end. */
static const char *
wrap_break(const char *from, const char *end, int room)
{
	const char *found = NULL, *at = from;
	bool word = false;
	int cells = 0;

	while (at < end) {
		if (wrap_may_break(at) && word && (cells <= room || !found))
			found = at;
		if (cells > room && found)
			return found;
		word |= *at != ' ';
		at = wrap_next(at, &cells);
	}
	return cells > room && found ? found : end;
}

static void
wrap_line(FILE *out, const char *from, const char *end, int columns)
{
	int indent = (int)strspn(from, " "), room = columns;
	const char *to;

	if (indent + MORE > columns / 2)
		indent = columns / 2 - MORE;
	while ((to = wrap_break(from, end, room)) < end) {
		fprintf(out, "%.*s\n%*s", (int)(to - from), from,
		    indent + MORE, "");
		from = to + strspn(to, " ");
		room = columns - indent - MORE;
	}
	fwrite(from, 1, (size_t)(end - from), out);
}

char *
wrap_text(const char *text, int columns)
{
	char *wrapped = NULL;
	size_t length;
	FILE *out = open_memstream(&wrapped, &length);

	if (!out)
		return NULL;
	for (const char *end; *text; text = end) {
		end = text + strcspn(text, "\n");
		wrap_line(out, text, end, columns);
		if (*end == '\n')
			fputc(*end++, out);
	}
	fclose(out);
	return wrapped;
}

void
wrap_cut(FILE *out, const char *text, int columns)
{
	int cells = 0;

	for (const char *end; *text; text = end) {
		bool colored = *text == '\033';

		if (*text == '\n') {
			end = text + 1;
			cells = 0;
		} else {
			end = wrap_next(text, &cells);
		}
		if (colored || cells <= columns)
			fwrite(text, 1, (size_t)(end - text), out);
	}
}

char *
wrap_for_stdout(const char *text)
{
	return isatty(STDOUT_FILENO) ?
	    wrap_text(text, terminal_columns(STDOUT_FILENO)) : strdup(text);
}
