#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "app/options.h"

/* A subcommand: main's table holds one of each. */
struct command {
	const char *name, *synopsis, *summary;
	const struct opt *tables[9];		/* up to the first NULL */
	unsigned modes;				/* that options choose */
	enum opt_words host;			/* that complete it */
	bool program;				/* "-- COMMAND" is one to run */
	/*
	 * NULL, or the mode that was asked for: one bit of struct opt's
	 * modes, and its name for a fault in *what.
	 */
	unsigned (*mode)(const struct settings *, int count,
	    char *const *words, const char **what);
	/*
	 * Runs it with the words after the options. Returns a status, or -1
	 * with a fault; *ended_by: the signal that ended it.
	 */
	int (*run)(struct settings *, int count, char *const *words,
	    int *ended_by);
};

extern const struct command listen_command, connect_command, echo_command,
    probe_command;

#endif
