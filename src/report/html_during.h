#ifndef REPORT_HTML_DURING_H
#define REPORT_HTML_DURING_H

#include <stdio.h>

#include "report/during.h"

/* The section of --during: the time line, and what happened on it. */
void html_during(FILE *out, const struct probe_during *);

#endif
