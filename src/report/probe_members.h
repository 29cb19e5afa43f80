#ifndef REPORT_PROBE_MEMBERS_H
#define REPORT_PROBE_MEMBERS_H

#include <stdio.h>

#include "report/probe.h"

/* The members of a probe's report, for people. */

enum { MEMBER_TEXT = 400 };

/* "A/0", "-"; escaped, as it may be a stranger's. */
void member_label(const struct probe_member *, char text[static MEMBER_TEXT]);

/* A line for each, and where there are several hosts one for each of them. */
void members_human(FILE *out, const struct probe_report *);

#endif
