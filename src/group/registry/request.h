#ifndef GROUP_REGISTRY_REQUEST_H
#define GROUP_REGISTRY_REQUEST_H

#include "group/registry/registry.h"

/*
 * A guest is no member, but has a slot on the board, and in it a wish that
 * lasts as long as its lock: that these sockets of one process get nothing
 * new. Members see to it (policy.h), and undo it when the guest is gone.
 */

/* The slot of a new guest, who wishes nothing yet; -1: a fault. */
int guest_claim(struct board *);
/* What a guest of ours wishes from now on; count is at most BOARD_SOCKETS. */
int guest_wish(struct board *, int slot, pid_t target, const uint64_t *inodes,
    int count);

/* Whether the slot is a living guest's, who wishes something. */
bool guest_is_here(struct board *, int slot);
/* Whether there is any such guest. */
bool guest_any(struct board *);
/* Whether all that is wished in the second slot is wished in the first, too. */
bool guest_covers(const struct slot *, const struct slot *);
/* Whether a guest's wish names that socket. */
bool guest_wants(const struct slot *, uint64_t inode);
/* The guest who wishes that this socket gets nothing; NULL: nobody does. */
const struct slot *guest_of(struct board *, uint64_t inode);

#endif
