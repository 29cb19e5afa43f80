#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include <stdbool.h>

/*
 * Forbids this process and its children, for good, to open files, to use TCP
 * ports, and to look into other processes (landlock(7)). Open descriptors stay
 * usable. directory: files in it may still be removed, such as a socket's;
 * NULL: none. signals: they may still be sent to other processes.
 *
 * Older kernels have less of it: ABI 1 (Linux 5.13) knows files, ABI 4 (6.7)
 * TCP, ABI 6 (6.12) signals. Returns the ABI. -1: errno says why; ENOSYS or
 * EOPNOTSUPP: the kernel has none.
 */
int landlock_close(const char *directory, bool signals);

/* The ABI of this kernel; -1: it has none. */
int landlock_abi(void);

#endif
