#ifndef KERNEL_UNIX_DIAG_H
#define KERNEL_UNIX_DIAG_H

#include <stdint.h>

#include "net/addr.h"

/*
 * The inode of the socket that is bound to this name, from sock_diag(7): the
 * listener's, not that of a connection that it accepted. 0: there is none, or
 * the kernel does not say. For a path, it compares the files, not the texts:
 * the kernel lists the text given to bind(2), which may be relative to an
 * unknown directory.
 */
uint64_t unix_diag_inode(const struct addr *bound);

#endif
