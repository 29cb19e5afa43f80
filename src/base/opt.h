#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>

/* Options as tables: one row drives parsing, --help and the checks of it. */

enum opt_kind {
	OPT_END,
	OPT_FLAG,	/* bool: true */
	OPT_VALUE,	/* int: the row's min */
	OPT_NUMBER,	/* int64_t, from min to max */
	OPT_TIME,	/* int64_t microseconds, from min */
	OPT_TEXT,	/* const char * */
	OPT_MAYBE,	/* const char *: --name, which gives "", or --name=arg */
	OPT_CHOICE,	/* int: which of choices, "a|b|c" as in arg */
};

struct opt {
	enum opt_kind kind;
	char letter;		/* 0: none */
	const char *name;	/* the long one */
	const char *arg;	/* what --help calls its value */
	size_t offset;		/* into the settings */
	long long min, max;
	const char *help;
};

/* What a foreign option means here: of nc, by letter or '0' for digits. */
struct opt_hint {
	char letter;
	const char *commands;	/* "listen echo", or "" for all */
	const char *text;
};

/*
 * Reads argv (argv[0] is the command) by the tables, which end with NULL,
 * into settings. Words that are no options are moved to the end, and their
 * index is returned; -1 with a usage fault. --help is a row like any other.
 */
int opt_parse(int argc, char **argv, const struct opt *const *tables,
    const struct opt_hint *hints, void *settings);

/* Writes the rows of a table for --help into a malloced text. */
char *opt_help(const struct opt *const *tables);

#endif
