#ifndef GROUP_REACH_STEERING_CHECK_H
#define GROUP_REACH_STEERING_CHECK_H

#include <stdint.h>

#include "net/addr.h"

struct sock_diag;

/*
 * Whether a program chooses which socket of a TCP group gets a connection: 1; 0:
 * the kernel's hash chose in enough cases; -1: it is not known. address: that
 * the sockets are bound to on this host, maybe the wildcard; interface: likewise
 * (SO_BINDTODEVICE), or NULL.
 *
 * It begins connections and takes them back before their handshake is complete,
 * so that no process sees them; if this host is too slow for that, a process
 * sees some that end at once. It blocks for milliseconds, or longer where
 * /proc/net/tcp is slow, but only until deadline (clock_ns()), or until stop_fd
 * is readable.
 */
int steering_check(struct sock_diag *, const struct addr *address,
    const char *interface, int64_t deadline, int stop_fd);

/*
 * How many connections for each of so many sockets, until all of them go where
 * the hash says by chance in fewer than one of a million cases, if a program
 * draws the socket: k^(-k n) < 10^-6. Two at least, because a program may do so
 * only now and then. 0: there are too many sockets, or there is only one.
 */
int steering_check_each(int sockets);

#endif
