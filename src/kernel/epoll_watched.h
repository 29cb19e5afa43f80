#ifndef KERNEL_EPOLL_WATCHED_H
#define KERNEL_EPOLL_WATCHED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Sets watched[i] if an epoll of the process has the socket inodes[i]
 * (/proc/PID/fdinfo). Returns whether any is set. The process may still use the
 * others, for example in a blocking accept(2).
 */
bool epoll_watched(pid_t, const uint64_t *inodes, int n, bool *watched);

#endif
