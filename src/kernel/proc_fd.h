#ifndef KERNEL_PROC_FD_H
#define KERNEL_PROC_FD_H

#include <dirent.h>
#include <stdint.h>
#include <sys/types.h>

/* The descriptors of a process that are sockets: /proc/PID/fd. */

/* The inode of a descriptor's socket; 0: no socket, or we may not see it. */
uint64_t proc_fd_socket(pid_t pid, int fd);

/* Opens the list; NULL: the process is gone, or we may not look into it. */
DIR *proc_fd_open(pid_t pid);
/* Returns the descriptor of the next socket, or -1 at the end. */
int proc_fd_next(DIR *dir, uint64_t *inode);

/* The descriptor by which a process holds a socket now, or -1. */
int proc_fd_find(pid_t pid, uint64_t inode);

#endif
