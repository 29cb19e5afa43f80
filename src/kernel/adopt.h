#ifndef KERNEL_ADOPT_H
#define KERNEL_ADOPT_H

#include <sys/types.h>

#include "net/sock.h"

/*
 * Taking over the listening sockets of another process, with what is queued
 * on them (pidfd_getfd(2)). They are the same sockets, not copies: nothing
 * that connects notices, no reuseport group changes, both may accept, and the
 * socket lives until the last of its holders closes it.
 */

/* The sockets to take. */
struct adopt_filter {
	int family;			/* AF_UNSPEC: both of IP; AF_UNIX */
	bool datagram;			/* bound sockets; else listening ones */
	uint16_t port;			/* 0: any, if all share one */
	const struct addr_list *at;	/* only these addresses; NULL: any */
};

/*
 * Opens the listening sockets of a process, each once, into out. No option of
 * them is changed. If the process has only some of them in an epoll, only those
 * are taken: see adopt_epoll.h. -1: a usage or bind fault that says what to do.
 */
int adopt_sockets(pid_t, const struct adopt_filter *, struct sock_set *out);

/*
 * accept4(2) on an adopted socket; it never blocks for long: -1 and EAGAIN. All
 * holders of a socket share O_NONBLOCK, and a server that blocks in accept(2)
 * would fail if we set it; so rpnc leaves it alone. If the other process
 * accepts first, after poll(2) has reported a client, a timer ends our blocking
 * call. Uses SIGALRM.
 */
int adopt_accept(int fd);

/* A process other than this one that holds one of the sockets, or 0. */
pid_t adopt_holder(const struct sock_set *);

#endif
