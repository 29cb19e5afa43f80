#ifndef KERNEL_PIDFD_SOCKOPT_H
#define KERNEL_PIDFD_SOCKOPT_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Reads an int option of another process's socket: fd is the descriptor in that
 * process, and the socket must still have this inode. -1: the process is gone,
 * or ptrace(2)'s rule forbids it, or the kernel is older than 5.6. The copied
 * descriptor is closed at once: a copy of a listener would collect connections
 * after its owner died.
 */
int pidfd_getsockopt(pid_t pid, int fd, uint64_t inode, int level, int option);

#endif
