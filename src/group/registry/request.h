#ifndef GROUP_REGISTRY_REQUEST_H
#define GROUP_REGISTRY_REQUEST_H

#include "group/registry/registry.h"

/*
 * A guest is no member, but has a slot on the registry, and in it a wish that
 * lasts as long as its lock: that these sockets of one process get nothing
 * new. Members see to it (reconcile.h), and undo it when the guest is gone.
 */

/* The slot of a new guest, who wishes nothing yet; -1: a fault. */
int request_claim(struct registry *);
/*
 * What a guest of ours wishes from now on; count is at most REGISTRY_SOCKETS.
 */
int request_wish(struct registry *, int slot, pid_t target,
    const uint64_t *inodes, int count);

/* Whether the slot is a living guest's, who wishes something. */
bool request_is_here(struct registry *, int slot);
/* Whether there is any such guest. */
bool request_any(struct registry *);
/* Whether all that is wished in the second slot is wished in the first, too. */
bool request_covers(const struct slot *, const struct slot *);
/* The guest who wishes that this socket gets nothing; NULL: nobody does. */
const struct slot *request_of(struct registry *, uint64_t inode);

#endif
