#ifndef APP_READY_H
#define APP_READY_H

#include "net/sock.h"

/* Writes all addresses to fd, one a line, in one write(2), and closes it. */
void ready_write(int fd, const struct sock_set *set);

/*
 * Tells the service manager, where there is one (sd_notify(3)): READY=1 to
 * $NOTIFY_SOCKET, which children then do not inherit.
 */
void ready_notify(void);

#endif
