#ifndef REPORT_HTML_WRITE_H
#define REPORT_HTML_WRITE_H

#include <stdio.h>

/* Text in a page that is both HTML and well-formed XML. */

/*
 * Writes any bytes as text, or as an attribute's value in double quotes: what
 * XML does not allow becomes \xNN, and & < > " and ' become entities. Of very
 * long texts only the first HTML_TEXT_MAX bytes are written. NULL: nothing.
 */
enum { HTML_TEXT_MAX = 1024 };
void html_text(FILE *out, const char *text);
/* The same for what a format makes; at most HTML_TEXT_MAX bytes. */
void html_textf(FILE *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
