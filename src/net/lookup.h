#ifndef NET_LOOKUP_H
#define NET_LOOKUP_H

#include <poll.h>
#include <stddef.h>
#include <sys/types.h>

#include "net/addr.h"

/*
 * Looks up a host name, AAAA and A at the same time (RFC 8305, section 3). Each
 * query has a child process, because getaddrinfo(3) blocks and can't be
 * cancelled. A pipe brings the answer.
 */

enum { LOOKUP_QUERIES = 2 };

struct lookup_query {
	pid_t pid;
	int family;
	int fd;			/* -1: over */
	char *data;		/* the answer so far */
	size_t length;
};

struct lookup {
	const struct endpoint *endpoint;
	struct lookup_query query[LOOKUP_QUERIES];
	int code, error;	/* why there is no address: EAI_, and errno */
	int64_t first;		/* when addresses first came; 0: not yet */
	int64_t hold;		/* A was first: AAAA is awaited until then */
};

#define LOOKUP_NONE ((struct lookup){ .query = { { .fd = -1 }, { .fd = -1 } } })

/* Starts the queries; e must live until the end. -1: no process starts. */
int lookup_start(struct lookup *, const struct endpoint *e, int flags);

/* Fills in the pipes to poll(2); returns their number. 0: all is answered. */
int lookup_poll(const struct lookup *, struct pollfd out[LOOKUP_QUERIES]);

/* When to stop waiting for the later answer (loop_now()). */
int64_t lookup_limit(const struct lookup *);

/* Adds the addresses that have come to list, without waiting; -1: no memory. */
int lookup_take(struct lookup *, struct addr_list *list);

/*
 * Whether list is enough to begin with, or nothing more will come. If not, sets
 * when to look again (loop_now(); INT64_MAX: when a pipe is readable).
 */
bool lookup_is_ready(const struct lookup *, const struct addr_list *,
    int64_t *when);

/* Records why there is no address, and returns -1. */
int lookup_fail(const struct lookup *);

/* Kills the children that still run. */
void lookup_end(struct lookup *);

#endif
