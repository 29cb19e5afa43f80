#ifndef BASE_STANDARD_FDS_H
#define BASE_STANDARD_FDS_H

#include <stdbool.h>

/* Descriptors 0, 1 and 2. A socket must never get one of these numbers. */

/*
 * Opens those that are closed, before anything else is opened. A read of stdin
 * then gives end of file; a write to the others still fails.
 */
void standard_fds_hold(void);

/* Whether it was closed at the start. */
bool standard_fds_was_closed(int fd);

/* Closes it now, so that its reader sees the end; the number stays taken. */
void standard_fds_close(int fd);

#endif
