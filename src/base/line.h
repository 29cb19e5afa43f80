#ifndef BASE_LINE_H
#define BASE_LINE_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * getline(3) with a limit, because a foreign line may never end. Returns -1 at
 * the end of the file with errno 0; with EMSGSIZE if a line has over `most`
 * bytes.
 */
ssize_t line_read(FILE *, char **line, size_t *room, size_t most);

/* How many lines a text has; each ends in a newline. */
size_t line_count(const char *text);

#endif
