#ifndef BASE_OPT_HELP_H
#define BASE_OPT_HELP_H

#include "base/opt.h"

/*
 * The tables as --help shows them, in a malloced text: all rows under their
 * headings; or only the rows that are needed often, and the names of the rest.
 */
char *opt_help(const struct opt *const *tables, bool all);

#endif
