#ifndef REPORT_HTML_STYLE_H
#define REPORT_HTML_STYLE_H

/* The style of the page: light or dark as the reader's system is. */
extern const char html_style[];

#endif
