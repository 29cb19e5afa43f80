#ifndef REPORT_WRAP_H
#define REPORT_WRAP_H

#include <stdio.h>

/*
 * Breaks lines that are wider than columns at a blank; what follows is indented
 * by two more. Colours have no width. A word that is too long stays whole.
 * Returns a malloced text, or NULL.
 */
char *wrap_text(const char *text, int columns);
/* Writes the lines, each cut at the edge of so many columns. */
void wrap_cut(FILE *, const char *text, int columns);
/* wrap_text() for the terminal that stdout is; if it is none, a copy. */
char *wrap_for_stdout(const char *text);

#endif
