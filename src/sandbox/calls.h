#ifndef SANDBOX_CALLS_H
#define SANDBOX_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a process still does in the sandbox, as bits. */
enum sandbox_keeps {
	KEEPS_BYTES = 1 << 0,	/* all: bytes, time, memory */
	KEEPS_FILES = 1 << 1,	/* opens files by name */
	KEEPS_ACCEPT = 1 << 2,	/* clients, connections or datagrams */
	KEEPS_DIAL = 1 << 3,	/* sockets to others */
	KEEPS_NAMES = 1 << 4,	/* names, by getaddrinfo(3) in a child */
	KEEPS_OTHERS = 1 << 5,	/* sees the members of the port: looks into
				 * other processes, asks sock_diag(7) */
	KEEPS_PROMPT = 1 << 6,	/* a terminal, with readline and a history */
	KEEPS_CHILDREN = 1 << 7,	/* starts and ends processes */
};

/* How one argument of a call is compared; the others may have any value. */
struct sandbox_argument {
	bool compared;
	unsigned index;
	uint64_t mask, value;	/* (argument & mask) == value */
};

/* A row: a call, and the bits of which one suffices to keep it. */
struct sandbox_call {
	const char *name;	/* as syscalls(2) has it */
	int number;		/* -1: this processor does not have it */
	unsigned keeps;
	struct sandbox_argument argument;
};

/*
 * The calls that are allowed; the list ends with a NULL name. All others fail
 * with ENOSYS, as if the kernel did not know them. The rows of a call are next
 * to each other.
 */
extern const struct sandbox_call sandbox_calls[];

/* Calls that end the process: rpnc never makes them. Ends with a NULL name. */
struct sandbox_deadly {
	const char *name;
	int number;
};
extern const struct sandbox_deadly sandbox_deadly[];

#endif
