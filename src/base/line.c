#include "base/line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_FIRST = 4096 };

static int
line_grow(char **line, size_t *room)
{
	size_t more = *room ? *room * 2 : LINE_FIRST;
	char *new = realloc(*line, more);

	if (!new)
		return -1;
	*line = new;
	*room = more;
	return 0;
}

ssize_t
line_read(FILE *in, char **line, size_t *room, size_t most)
{
	size_t used = 0;
	int c = 0;

	errno = 0;
	while (c != '\n' && (c = getc_unlocked(in)) != EOF) {
		if (used == most) {
			errno = EMSGSIZE;
			return -1;
		}
		if (used == *room && line_grow(line, room) < 0)
			return -1;
		(*line)[used++] = (char)c;
	}
	if (ferror(in))
		return -1;
	errno = 0;
	return used ? (ssize_t)used : -1;
}

size_t
line_count(const char *text)
{
	size_t n = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		n++;
	}
	return n;
}
