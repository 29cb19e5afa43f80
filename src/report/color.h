#ifndef REPORT_COLOR_H
#define REPORT_COLOR_H

#include <stdbool.h>
#include <stdio.h>

/* The colours of what people read. */
enum color { PLAIN, BOLD, GREEN, RED, DIM };

/* Prints in a colour; without one if colored is false or color is PLAIN. */
void paint(FILE *, bool colored, enum color color, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
