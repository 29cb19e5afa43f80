#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

/* Adds words to a text that has this room, as far as they fit. */
void text_add(char *text, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
