#ifndef PROBE_LOAD_ATTEMPT_SOCKET_H
#define PROBE_LOAD_ATTEMPT_SOCKET_H

#include "probe/load/ground.h"

/*
 * Opens a socket that is ready for connect(2); -1 and errno. Unless unbound,
 * and if the kernel is asked at all, it gets a port first: then ours is its
 * end (len 0: not known), and foreseen the inode of the listener that the
 * connection will go to (0: not known).
 */
int attempt_socket(const struct ground *, bool unbound, struct addr *ours,
    uint64_t *predicted_inode);

#endif
