#ifndef PROBE_WHO_NEWCOMER_H
#define PROBE_WHO_NEWCOMER_H

#include "probe/stats/tally.h"

/*
 * Whether a process that holds a listening socket may exist for a single
 * connection: it has no row, its parent holds the socket too, and it has no
 * epoll of its own that watches it. See newcomer.c.
 */
bool newcomer_is(const struct tally *, const pid_t *holders, int count,
    pid_t pid, uint64_t inode);

#endif
