#ifndef BASE_LINE_H
#define BASE_LINE_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * getline(3) with a limit: it may be from anyone, and have no end. At the end
 * of the file -1 with errno 0, a line of more than most bytes is EMSGSIZE.
 */
ssize_t line_read(FILE *, char **line, size_t *room, size_t most);

#endif
