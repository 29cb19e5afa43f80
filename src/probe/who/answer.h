#ifndef PROBE_WHO_ANSWER_H
#define PROBE_WHO_ANSWER_H

#include "kernel/sock_owner.h"
#include "probe/stats/tally.h"

/* Finds the process that sent a reply. See answer.c for what can be known. */
struct answers {
	int64_t next;			/* /proc may be read again, clock_ns() */
};

/*
 * inode is the server's end of the connection; since (clock_ns()) is before it
 * began. The result's row is the process that accepted. Sets its answer, and
 * its row if another process answered.
 */
void answer_find(struct answers *, struct tally *, struct owners *,
    uint64_t inode, int64_t since, struct attempt_result *);

#endif
