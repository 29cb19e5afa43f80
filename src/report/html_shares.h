#ifndef REPORT_HTML_SHARES_H
#define REPORT_HTML_SHARES_H

#include <stdio.h>

#include "report/probe.h"

/* The section of the members: a bar each, with the band of fair cases. */
void html_shares(FILE *out, const struct probe_report *);

#endif
