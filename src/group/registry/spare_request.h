#ifndef GROUP_REGISTRY_SPARE_REQUEST_H
#define GROUP_REGISTRY_SPARE_REQUEST_H

#include "group/registry/registry.h"

/*
 * A request is a slot of a process that is no member. It asks the members to
 * give no new connections to some sockets of one process. It is valid while its
 * process holds the lock of the slot. The members put it into their program
 * (reconcile.h), and take it out when that process has ended.
 */

/* Takes a slot for a request that asks for nothing yet; -1: a fault. */
int request_claim(struct registry *);
/* Sets what a request asks for; count is at most REGISTRY_SOCKETS. */
int request_set(struct registry *, int slot, pid_t target,
    const uint64_t *inodes, int count);

/* Whether the slot is a living request that asks for something. */
bool request_is_here(struct registry *, int slot);
/* Whether there is any such request. */
bool request_any(struct registry *);
/* Whether the first request asks for all that the second one asks for. */
bool request_covers(const struct slot *, const struct slot *);
/* The request that names this socket; NULL: there is none. */
const struct slot *request_of(struct registry *, uint64_t inode);

#endif
