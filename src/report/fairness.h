#ifndef REPORT_FAIRNESS_H
#define REPORT_FAIRNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "report/color.h"
#include "report/plot.h"

enum { FAIR_TEXT = 160 };

/*
 * "fair hashing gives 39 ± 13 each (99 %)", with by = "fair hashing"; brief:
 * "fair: 39 ± 13 each". each is NAN if the members expect different counts.
 */
const char *fair_text(const char *by, double each, double spread, bool brief,
    char text[static FAIR_TEXT]);

/*
 * A bar for the count of a member; a count of `most` fills the bar. A tick
 * marks the expected count, and a band the counts of 99 % of fair cases (n
 * connections, k members). expected NAN or 0: no tick. A band that reaches 0
 * is left out, because so few counts tell nothing.
 */
struct bar fair_bar(double count, double expected, uint64_t n, int k,
    double most);
/*
 * The end of the bar or of its band, whichever is farther: a count, if the bar
 * was made with most = 1.
 */
double bar_end(struct bar);

/* A verdict as the findings have it: "too few" for the token "too-few". */
const char *verdict_words(const char *verdict);
/* The colour of a verdict's token. */
enum color verdict_color(const char *verdict);

#endif
