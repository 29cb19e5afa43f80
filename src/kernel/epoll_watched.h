#ifndef KERNEL_EPOLL_WATCHED_H
#define KERNEL_EPOLL_WATCHED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Sets watched[] of each of n sockets, given by inode, that is in an epoll of
 * the process (/proc/PID/fdinfo). Returns whether any is. The others may still
 * be used, for example by a blocking accept(2).
 */
bool epoll_watched(pid_t, const uint64_t *inodes, int n, bool *watched);

#endif
