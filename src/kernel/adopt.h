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

/* Which of them. */
struct adopt_wish {
	int family;			/* AF_UNSPEC: both of IP; AF_UNIX */
	bool datagram;			/* bound, rather than listening */
	uint16_t port;			/* 0: any, if all have the same */
	const struct addr_list *at;	/* only these; NULL: any address */
};

/*
 * Opens those of a process, each once, in out, which says that they are
 * adopted; -1: a usage or a bind fault, whose one line says what to do.
 * Nothing of the sockets is changed. Where the process waits for some of them
 * by epoll it is those only: see adopt_epoll.h.
 */
int adopt_sockets(pid_t, const struct adopt_wish *, struct sock_set *out);

/*
 * accept4(2) on an adopted socket: never waits for long, -1 and EAGAIN.
 * O_NONBLOCK is shared by all who hold the socket. To set it would be a fault
 * to a server that waits in accept(2), when it runs or goes on; so it stays
 * what it is, and if the other one is first, after poll(2) said that there is
 * a client, a timer ends our waiting. Uses SIGALRM.
 */
int adopt_accept(int fd);

/* A process other than this one that holds one of the sockets, or 0. */
pid_t adopt_holder(const struct sock_set *);

#endif
