#ifndef BASE_STANDARD_FDS_H
#define BASE_STANDARD_FDS_H

#include <stdbool.h>

/*
 * Descriptors 0, 1 and 2, and all others. A socket must never get one of these
 * three numbers.
 */

/*
 * Opens the closed ones of them, before anything else is opened. A read of such
 * a stdin gives end of file; a write to such a stdout still fails, and a write
 * to such a stderr is lost.
 */
void standard_fds_hold(void);

/* Whether the descriptor was closed when rpnc started. */
bool standard_fds_was_closed(int fd);

/* Closes it, so that its reader sees the end; the number stays in use. */
void standard_fds_close(int fd);

/*
 * After the last write to a file: whether its file system has taken all. Some
 * (NFS, FUSE) report only at a close(2) that they did not, of any descriptor of
 * the file, so fd stays open. -1: errno.
 */
int fd_settle(int fd);

/*
 * In a child: closes all descriptors from first on, or makes them close-on-exec
 * (close_range(2); musl has no function for it).
 */
void fds_close_from(int first, bool on_exec);

#endif
