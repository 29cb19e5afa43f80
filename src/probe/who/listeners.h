#ifndef PROBE_WHO_LISTENERS_H
#define PROBE_WHO_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/sock_diag.h"
#include "kernel/sock_owner.h"
#include "probe/stats/tally.h"

/*
 * The listening sockets of a group, and the processes that hold them, each of
 * which gets a row.
 */
struct listener;

struct listeners {
	struct listener **at;
	int count, family;
};

/* Takes the sockets that sock_diag_group_of() listed; -1 without memory. */
int listeners_fill(struct listeners *, struct tally *, struct owners *,
    const struct diag_sock *list, int count);
void listeners_free(struct listeners *);

/*
 * Takes those that are there now instead, of which the same ones keep what was
 * learned of them. -1 without memory, and nothing has changed.
 */
int listeners_follow(struct listeners *, struct tally *, struct owners *,
    const struct diag_sock *list, int count);
/* Whether other processes hold them than did. */
bool listeners_moved(const struct listeners *, const struct tally *,
    struct owners *);

/* The row that has a socket for itself; -1: none, or shared. */
int listeners_row(const struct listeners *, uint64_t inode);
/* Whether it is one of them. */
bool listeners_have(const struct listeners *, uint64_t inode);
/* Whether the process holds one of them now. */
bool listeners_held_by(const struct listeners *, pid_t pid);
/* The one that has half-open connections, if it is only one; else 0. */
uint64_t listeners_half_open(const struct listeners *);
/* A row was seen to accept what was foreseen for a socket. */
void listeners_learn(struct listeners *, uint64_t inode, int row);

/* Whether they are no longer the same ones. */
bool listeners_differ(const struct listeners *, const struct diag_sock *list,
    int count);

/*
 * Whether several processes accept from one of them: then they compete, and no
 * hash deals connections out among these. Of a group of several, only what
 * was learned tells. Before listeners_weigh().
 */
bool listeners_are_shared(const struct listeners *, const struct tally *);

/*
 * Looks once more for holders of sockets that had none: a server that has
 * just started may have been about to hand one to a worker. Whether all are
 * known.
 */
bool listeners_complete(struct listeners *, struct tally *, struct owners *);

/* Whether each has a holder that is known. */
bool listeners_known(const struct listeners *);

/*
 * Sets in each row if its process is stopped, and how many clients wait in its
 * queues; list is the group as it is now. A queue that several processes accept
 * from is in no row. A datagram queue is bytes, not clients: unknown.
 */
void listeners_ask(const struct listeners *, struct tally *,
    const struct diag_sock *list, int count);

/* Gives the rows their weights, and drops those of managers. */
void listeners_weigh(const struct listeners *, struct tally *);

#endif
