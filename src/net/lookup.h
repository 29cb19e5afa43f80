#ifndef NET_LOOKUP_H
#define NET_LOOKUP_H

#include <poll.h>
#include <stddef.h>
#include <sys/types.h>

#include "net/addr.h"

/*
 * Looks a host name up, AAAA and A at the same time (RFC 8305, section 3). Each
 * has a child process, because getaddrinfo(3) blocks and can't be cancelled. A
 * pipe brings the answer of each.
 */

enum { LOOKUP_QUERIES = 2 };

struct lookup_query {
	pid_t pid;
	int family;
	int fd;			/* -1: over */
	char *data;		/* what the pipe has brought */
	size_t length;
};

struct lookup {
	const struct endpoint *endpoint;
	struct lookup_query query[LOOKUP_QUERIES];
	int code, error;	/* why there is no address: EAI_, and errno */
	int64_t first;		/* when one had addresses; 0: none yet */
	int64_t hold;		/* A came first: when to stop waiting for AAAA */
};

#define LOOKUP_NONE ((struct lookup){ .query = { { .fd = -1 }, { .fd = -1 } } })

/* Asks; e is used until the end. -1: no process can be started. */
int lookup_start(struct lookup *, const struct endpoint *e, int flags);

/* Fills in what to poll(2), and returns how many. 0: all answers are here. */
int lookup_poll(const struct lookup *, struct pollfd out[LOOKUP_QUERIES]);

/* An answer that is so much later than the other is not awaited. */
int64_t lookup_limit(const struct lookup *);

/* Adds what has come by now to list, without waiting; -1: no memory. */
int lookup_take(struct lookup *, struct addr_list *list);

/*
 * Whether list is enough to begin with, or nothing more will come. Else when
 * to look again (loop_now(); INT64_MAX: when there is something to read).
 */
bool lookup_is_ready(const struct lookup *, const struct addr_list *,
    int64_t *when);

/* Why there is no address: records that, and returns -1. */
int lookup_fail(const struct lookup *);

/* Ends the children that still ask. */
void lookup_end(struct lookup *);

#endif
