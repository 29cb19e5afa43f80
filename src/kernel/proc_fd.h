#ifndef KERNEL_PROC_FD_H
#define KERNEL_PROC_FD_H

#include <dirent.h>
#include <stdint.h>
#include <sys/types.h>

/* The descriptors of a process that are sockets: /proc/PID/fd. */

/* The socket that a descriptor is; 0: it isn't one, or may not be seen. */
uint64_t proc_fd_socket(pid_t pid, int fd);

/* All of them; NULL: the process is gone, or not ours to look into. */
DIR *proc_fd_open(pid_t pid);
/* Goes on to the next socket; its descriptor, or -1 at the end. */
int proc_fd_next(DIR *dir, uint64_t *inode);

/* The descriptor by which a process holds a socket now, or -1. */
int proc_fd_find(pid_t pid, uint64_t inode);

#endif
