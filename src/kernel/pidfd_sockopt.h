#ifndef KERNEL_PIDFD_SOCKOPT_H
#define KERNEL_PIDFD_SOCKOPT_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Reads an int option of another process's socket, which it has as fd and
 * whose inode must be this one. -1: that process is gone, or not ours to look
 * into (ptrace(2) decides), or the kernel is older than 5.6. The descriptor
 * that this takes is closed at once: a copy of a listener would go on to
 * collect connections if its owner died.
 */
int pidfd_getsockopt(pid_t pid, int fd, uint64_t inode, int level, int option);

#endif
