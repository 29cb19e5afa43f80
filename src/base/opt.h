#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>

/* Options as tables: one row drives parsing, --help and the checks of it. */

enum opt_kind {
	OPT_END,
	OPT_HEADING,	/* of the rows that follow: its help */
	OPT_FLAG,	/* bool: true */
	OPT_VALUE,	/* int: the row's min */
	OPT_NUMBER,	/* int64_t, from min to max */
	OPT_TIME,	/* int64_t microseconds, from min */
	OPT_TEXT,	/* const char * */
	OPT_MAYBE,	/* const char *: --name, which gives "", or --name=arg */
	OPT_CHOICE,	/* int: which of choices, "a|b|c" as in arg */
};

/*
 * Options, by their long names with spaces between, and the fault of a breach.
 */
struct opt_rule {
	const char *with, *why;
};

struct opt {
	enum opt_kind kind;
	char letter;		/* 0: none */
	const char *name;	/* the long one */
	const char *arg;	/* what --help calls its value */
	size_t offset;		/* into the settings */
	long long min, max;
	const char *help;
	unsigned modes;		/* of the command, that it is for; 0: all */
	bool often;		/* in the short --help, too */
	struct opt_rule needs;	/* one of them, at least */
	struct opt_rule excludes[2];
};

/* The rows of those that were given. */
enum { OPT_ROWS = 80 };
struct opt_given {
	int behind;		/* words behind "--"; -1: there is none */
	int count;
	const struct opt *rows[OPT_ROWS];
};

/* A hint for an option that belongs to another tool. */
struct opt_hint {
	const char *option;	/* a letter, "0" for digits, or a long name */
	const char *commands;	/* "listen echo", or "" for all */
	const char *text;
};

/*
 * Reads argv (argv[0] is the command) by the tables, which end with NULL,
 * into settings. Words that are no options are moved to the end, and their
 * index is returned; -1 with a usage fault. --help is a row like any other.
 */
int opt_parse(int argc, char **argv, const struct opt *const *tables,
    const struct opt_hint *hints, void *settings, struct opt_given *given);

/* Whether the option of this name was given. */
bool opt_has(const struct opt_given *, const char *name);

/*
 * Checks the rules of all rows that were given. also: the name of an option
 * that holds though it was not given, or NULL. mode: one bit, and what it is
 * called; 0: the command has no modes. -1: a usage fault.
 */
int opt_check(const struct opt_given *, const char *also, unsigned mode,
    const char *what);

#endif
