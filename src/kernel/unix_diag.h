#ifndef KERNEL_UNIX_DIAG_H
#define KERNEL_UNIX_DIAG_H

#include <stdint.h>

#include "net/addr.h"

/*
 * The inode of the socket that is bound to this name, from sock_diag(7); of
 * a listener rather than of a connection that it accepted. 0: there is none,
 * or the kernel doesn't say. A path is compared as the file that it leads to:
 * the kernel lists names as they were given to bind(2), each in a directory
 * that it does not tell.
 */
uint64_t unix_diag_inode(const struct addr *bound);

#endif
