#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include <stdbool.h>

/*
 * Takes all files, and all TCP ports, from this process and its children for
 * good (landlock(7)); open descriptors stay usable. directory: one in which it
 * may still remove a socket's file, or NULL. signals: it may still send them to
 * other processes. It also can't look into other processes any more.
 *
 * Older kernels have less of it: ABI 1 (Linux 5.13) knows files, ABI 4 (6.7)
 * TCP, ABI 6 (6.12) signals. Returns the ABI. -1: errno says why; ENOSYS or
 * EOPNOTSUPP: the kernel has none.
 */
int landlock_close(const char *directory, bool signals);

/* The ABI of this kernel; -1: it has none. */
int landlock_abi(void);

#endif
