#ifndef SERVE_PROGRAM_CHECK_H
#define SERVE_PROGRAM_CHECK_H

#include "app/settings.h"

/*
 * Whether a command may serve everybody who can connect to these addresses. It
 * may on this host's own; on others only those whom the user has chosen. -1: a
 * usage fault. Without a command: 0.
 */
int program_check(const struct settings *, const struct addr *, int count);

#endif
