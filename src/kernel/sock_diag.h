#ifndef KERNEL_SOCK_DIAG_H
#define KERNEL_SOCK_DIAG_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/diag_sock.h"

/*
 * The kernel's table of sockets, sock_diag(7). One struct sock_diag per
 * process: after a fork the child opens its own.
 */
struct sock_diag;

struct sock_diag *sock_diag_open(void);
void sock_diag_close(struct sock_diag *d);

/*
 * Looks up one socket by its addresses; local is its own. IPv4 and mapped IPv6
 * are the same question and find either kind. Returns 1, or 0 if there is none,
 * or -1. The kernel looks as it would for a packet that arrives over loopback:
 * a connection first, SYN_RECV and TIME_WAIT (inode 0) included, then the
 * listener (or UDP member) that the hash would choose, an attached program
 * ignored. It is a connection only if state says so and inode is not 0.
 */
int sock_diag_get(struct sock_diag *d, int protocol, const struct addr *local,
    const struct addr *remote, struct diag_sock *out);

/*
 * Calls each() for every socket, IPv4 then IPv6, that has one of these states
 * and this local port (host order; 0: any), until each() returns non-zero.
 * states is a mask of 1 << TCP_LISTEN...; from Linux 6.8 on, ~0u includes TCP
 * sockets that are bound and do not listen, as TCP_CLOSE. Returns the number of
 * calls, or -1.
 */
int sock_diag_dump(struct sock_diag *d, int protocol, unsigned states,
    uint16_t sport, int (*each)(const struct diag_sock *, void *), void *arg);

/*
 * Lists the sockets that listen on exactly this address, in the kernel's order:
 * see sock_diag.c. They are bound to no device; those of a link-local address
 * are bound to its device. If IPV6_V6ONLY splits an IPv6 address into two
 * groups, the group of the first socket is listed: the kernel prefers it for
 * TCP. sock_diag_group_of() lists the group of a known socket, with its device.
 * Uids may differ. Return the count, maybe 0, or -1; the caller frees *list.
 */
int sock_diag_group(struct sock_diag *d, int protocol, const struct addr *bound,
    struct diag_sock **list);
int sock_diag_group_of(struct sock_diag *d, const struct diag_sock *member,
    struct diag_sock **list);
/* The group of the socket with this inode; 0: it no longer listens. */
int sock_diag_group_with(struct sock_diag *d, int protocol, uint16_t port,
    uint64_t inode, struct diag_sock **list);

#endif
