#ifndef REPORT_FAIRNESS_H
#define REPORT_FAIRNESS_H

#include <stdbool.h>

#include "report/color.h"

enum { FAIR_TEXT = 160 };

/*
 * "fair hashing gives 39 ± 13 each (99 %)", with by = "fair hashing"; brief:
 * "fair: 39 ± 13 each". each is NAN if the members expect different counts.
 */
const char *fair_text(const char *by, double each, double spread, bool brief,
    char text[static FAIR_TEXT]);

/* The colour of a verdict's token. */
enum color verdict_color(const char *verdict);

#endif
