#ifndef PROBE_WHO_ANSWER_H
#define PROBE_WHO_ANSWER_H

#include "kernel/sock_owner.h"
#include "probe/stats/tally.h"

/*
 * After a reply: which process sent it. See answer.c for what can be known.
 */
struct answers {
	int64_t next;			/* clock_ns(): /proc may be read again */
};

/*
 * inode is the server's end of r's connection, which did not exist before since
 * (clock_ns()). r->row is the process that accepted. Sets r->answer; and
 * r->row, if another process answered.
 */
void answer_find(struct answers *, struct tally *, struct owners *,
    uint64_t inode, int64_t since, struct attempt_result *);

#endif
