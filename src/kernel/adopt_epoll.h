#ifndef KERNEL_ADOPT_EPOLL_H
#define KERNEL_ADOPT_EPOLL_H

#include <sys/types.h>

#include "net/sock.h"

/*
 * A process may hold sockets that it does not serve: nginx's workers hold each
 * other's. If /proc/PID/fdinfo shows some of the sockets in an epoll of the
 * process, closes the others.
 */
void adopt_keep_watched(pid_t, struct sock_set *);

#endif
