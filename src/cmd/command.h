#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "app/options.h"

/* A subcommand: main's table holds one of each. */
struct command {
	const char *name, *synopsis, *summary;
	const struct opt *tables[7];		/* up to the first NULL */
	/*
	 * Of a command that has modes: the one asked for, one bit, and what
	 * it is called.
	 */
	unsigned (*mode)(const struct settings *, int count,
	    char *const *words, const char **what);
	/* The words behind the options. Returns a status, or -1: fault. */
	int (*run)(struct settings *, int count, char *const *words,
	    int *ended_by);
};

extern const struct command listen_command, connect_command, echo_command,
    probe_command;

#endif
