#ifndef KERNEL_EPOLL_WATCHED_H
#define KERNEL_EPOLL_WATCHED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Which of n sockets, by their inodes, are in an epoll of this process, as
 * /proc/PID/fdinfo says: sets watched[] of each of them, and returns whether
 * any is. The others may be in use otherwise, as by a blocking accept(2).
 */
bool epoll_watched(pid_t, const uint64_t *inodes, int n, bool *watched);

#endif
