#ifndef APP_READY_H
#define APP_READY_H

#include "net/sock.h"

/* Writes all addresses to fd, one a line, in one write(2), and closes it. */
void ready_write(int fd, const struct sock_set *set);

/*
 * If a service manager has set $NOTIFY_SOCKET, sends READY=1 there
 * (sd_notify(3)) and unsets it, so that children do not inherit it.
 */
void ready_notify(void);

#endif
