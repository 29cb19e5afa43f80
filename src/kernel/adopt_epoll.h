#ifndef KERNEL_ADOPT_EPOLL_H
#define KERNEL_ADOPT_EPOLL_H

#include <sys/types.h>

#include "net/sock.h"

/*
 * Of several sockets of a process it may serve only some, as nginx's workers
 * hold each other's: where some are in one of its epolls, as /proc/PID/fdinfo
 * tells, closes the others.
 */
void adopt_keep_watched(pid_t, struct sock_set *);

#endif
