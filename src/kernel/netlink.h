#ifndef KERNEL_NETLINK_H
#define KERNEL_NETLINK_H

#include <stddef.h>
#include <sys/types.h>

struct mnl_socket;

/*
 * Opens a sock_diag(7) socket that accepts messages of the kernel only, because
 * root of the network namespace could answer in its place. NULL: see errno.
 */
struct mnl_socket *netlink_open(void);

/*
 * How many of the length bytes are whole messages. Without this check libmnl
 * takes a message length over 2^31 as negative, and reads beyond the end.
 */
size_t netlink_whole(const void *messages, size_t length);

#endif
