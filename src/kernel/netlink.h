#ifndef KERNEL_NETLINK_H
#define KERNEL_NETLINK_H

#include <stddef.h>
#include <sys/types.h>

struct mnl_socket;

/*
 * A socket of sock_diag(7) that only the kernel can send to; NULL with errno.
 * A root user of the network namespace could answer in the kernel's place.
 */
struct mnl_socket *netlink_open(void);

/*
 * How many of length bytes are whole messages. libmnl takes a length over 2^31
 * as negative, and reads beyond the end.
 */
size_t netlink_whole(const void *messages, size_t length);

#endif
