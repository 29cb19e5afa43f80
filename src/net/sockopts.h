#ifndef NET_SOCKOPTS_H
#define NET_SOCKOPTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Socket options that the user asks for. One table (sockopts.c) says of each
 * how its value is read, which sockets have it, when it is set, and which
 * sysctl or capability limits it.
 */

/* Sockets that a row is for, as bits: the side, and the protocol. */
enum sockopt_use {
	SOCKOPT_CLIENT = 1 << 0,
	SOCKOPT_SERVER = 1 << 1,	/* that is in no group */
	SOCKOPT_MEMBER = 1 << 2,	/* a server in a reuseport group */
	SOCKOPT_TCP = 1 << 3, SOCKOPT_UDP = 1 << 4, SOCKOPT_UNIX = 1 << 5,
};

struct sockopt_row;

enum { SOCKOPTS_MAX = 24, SOCKOPT_VALUES = 3, SOCKOPT_TEXT = 80 };

struct sockopts {
	int count;
	struct sockopt {
		const struct sockopt_row *row;
		int64_t value[SOCKOPT_VALUES];
		char asked[SOCKOPT_TEXT];	/* the user's words */
	} at[SOCKOPTS_MAX];
};

/* One of them as it is read back: the kernel's value may be another. */
struct sockopt_state {
	const char *name, *asked;
	char value[SOCKOPT_TEXT];
	const char *why;		/* NULL: it is as asked */
};

/* Adds "NAME=VALUE,..." to the list, in the table's order; -1: usage. */
int sockopts_read(struct sockopts *, const char *text);
/*
 * The i-th name, for completion: with "=", unless it can stand alone. NULL:
 * there are no more.
 */
enum { SOCKOPT_WORD = 32 };
const char *sockopts_word(int i, char word[static SOCKOPT_WORD]);
/* Adds one option; name is in the table. */
int sockopts_add(struct sockopts *, const char *name, const char *value);

/*
 * Checks that sockets of this use have all of them, and, by a socket of that
 * family, that the kernel takes them. -1: usage.
 */
int sockopts_check(const struct sockopts *, unsigned use, int family);

/* Before bind(2) or connect(2): sets them, or records the one that fails. */
int sockopts_set(const struct sockopts *, int fd);
/* After accept(2): sets those that the listener does not pass on. */
void sockopts_set_accepted(const struct sockopts *, int fd);

/* Reads back option i; false: the socket is gone. */
bool sockopts_get(const struct sockopts *, int i, int fd,
    struct sockopt_state *out);

#endif
