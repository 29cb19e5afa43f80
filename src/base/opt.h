#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>

/* Options as tables: a row drives its option's parsing, --help and checks. */

enum opt_kind {
	OPT_END,
	OPT_HEADING,	/* help: the heading of the rows that follow */
	OPT_FLAG,	/* bool: true */
	OPT_VALUE,	/* int: the row's min */
	OPT_NUMBER,	/* int64_t, from min to max */
	OPT_TIME,	/* int64_t microseconds, from min */
	OPT_TEXT,	/* const char * */
	OPT_LIST,	/* struct opt_list: a text, and may be repeated */
	OPT_MAYBE,	/* const char *: --name, which gives "", or --name=arg */
	OPT_CHOICE,	/* int: the index in arg, "a|b|c", plus min */
};

/*
 * Words that a shell offers for a value: see completion/. A choice has its own
 * words.
 */
enum opt_words {
	WORDS_NONE,		/* a number, a time, a text of the user's */
	WORDS_NOTHING,		/* of operands: there are none */
	/* The shell knows them. */
	WORDS_FILE, WORDS_HOST, WORDS_USER,
	/* The shell asks rpnc: see completion/words.h. */
	WORDS_ADDRESS,		/* of this host */
	WORDS_PORT,		/* ports on which a process listens */
	WORDS_PID,		/* processes that listen */
	WORDS_MEMBER,		/* names and pids of members */
	WORDS_INTERFACE,
	WORDS_CONGESTION,
	WORDS_KINDS,
};

enum { OPT_WORD = 32 };
enum { OPT_LIST_MAX = 8 };
struct opt_list {
	int count;
	const char *at[OPT_LIST_MAX];
};

/*
 * A rule about other options: their long names, with spaces between, and the
 * fault if the rule is broken.
 */
struct opt_rule {
	const char *with, *why;
};

struct opt {
	enum opt_kind kind;
	char letter;		/* 0: none */
	const char *name;	/* the long one */
	const char *arg;	/* its value's name in --help */
	size_t offset;		/* into the settings */
	long long min, max;
	const char *help;
	unsigned modes;		/* the command's modes with it; 0: all */
	bool often;		/* the short --help shows it */
	struct opt_rule needs;	/* at least one of these */
	struct opt_rule excludes[2];
	/*
	 * Words that complete the value: of a kind, "a|b|c", and from a table
	 * (NULL after the last one). A value follows a word that ends in "=",
	 * ":" or "/".
	 */
	enum opt_words words;
	const char *fixed;
	const char *(*listed)(int i, char word[static OPT_WORD]);
	bool commas;			/* the value is a list with commas */
	enum opt_words operands;	/* with it, the words behind options */
};

/* The rows of the given options. */
enum { OPT_ROWS = 80 };
struct opt_given {
	int behind;		/* words after "--"; -1: there is none */
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
 * Reads argv (argv[0] is the command) into settings; tables ends with NULL.
 * Moves the words that are no options to the end, and returns their index; -1:
 * a usage fault. --help is a row like any other.
 */
int opt_parse(int argc, char **argv, const struct opt *const *tables,
    const struct opt_hint *hints, void *settings, struct opt_given *given);

/* Whether the option of this name was given. */
bool opt_has(const struct opt_given *, const char *name);

/* Whether the name is one of "a b c". */
bool opt_is_among(const char *names, const char *name);

/*
 * Checks the rules of all given rows. also: the name of an option that counts
 * as given, or NULL. mode: one bit, and the mode's name; 0: the command has no
 * modes. -1: a usage fault.
 */
int opt_check(const struct opt_given *, const char *also, unsigned mode,
    const char *what);

#endif
