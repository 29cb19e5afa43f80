#ifndef PROBE_WHO_LISTENERS_H
#define PROBE_WHO_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/sock_diag.h"
#include "kernel/sock_owner.h"
#include "probe/stats/tally.h"

/*
 * The listening sockets of a group, and the processes that hold them. Each
 * process gets a row.
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
 * Replaces them by the listed ones. A socket that is in both keeps what was
 * learned about it. -1 without memory: then nothing has changed.
 */
int listeners_follow(struct listeners *, struct tally *, struct owners *,
    const struct diag_sock *list, int count);
/* Whether other processes hold them now. */
bool listeners_moved(const struct listeners *, const struct tally *,
    struct owners *);

/* The row whose process alone holds a socket; -1: none, or shared. */
int listeners_row(const struct listeners *, uint64_t inode);
/* Whether a socket is one of them. */
bool listeners_have(const struct listeners *, uint64_t inode);
/* Whether the process holds one of them now. */
bool listeners_held_by(const struct listeners *, pid_t pid);
/* The only one with half-open connections; 0: none, or several. */
uint64_t listeners_half_open(const struct listeners *);
/* A row was seen to accept a connection that was predicted for a socket. */
void listeners_observe(struct listeners *, uint64_t inode, int row);

/* Whether the list has other sockets than these. */
bool listeners_differ(const struct listeners *, const struct diag_sock *list,
    int count);

/*
 * Whether several processes accept from one socket: then they compete for its
 * connections, and no hash distributes them. In a group of several sockets,
 * only listeners_observe() shows that. To be called before listeners_weigh().
 */
bool listeners_are_shared(const struct listeners *, const struct tally *);

/*
 * Looks again for holders of sockets that had none: a server that has just
 * started may hand its sockets to workers. Returns whether all have a holder.
 */
bool listeners_complete(struct listeners *, struct tally *, struct owners *);

/* Whether each has a known holder. */
bool listeners_known(const struct listeners *);

/* Sets in each row whether its process is stopped; waiting: for all rows. */
void rows_ask(struct tally *, int64_t waiting);
/*
 * Sets in each row whether its process is stopped, and how many clients wait in
 * its queues. list is the group as it is now. -1: not known, because several
 * processes accept from the queue, or because it counts bytes (datagrams).
 */
void listeners_ask(const struct listeners *, struct tally *,
    const struct diag_sock *list, int count);

/* Sets the weights of the rows, and drops the rows of managers. */
void listeners_weigh(const struct listeners *, struct tally *);

#endif
