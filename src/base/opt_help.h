#ifndef BASE_OPT_HELP_H
#define BASE_OPT_HELP_H

#include "base/opt.h"

/*
 * The text of --help for these tables, malloced: all rows under their headings,
 * or only the rows needed often, with the names of the rest.
 */
char *opt_help(const struct opt *const *tables, bool all);

#endif
