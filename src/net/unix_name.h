#ifndef NET_UNIX_NAME_H
#define NET_UNIX_NAME_H

#include "net/addr.h"

/* The names of Unix sockets in directories. */

/*
 * Like bind(2), but replaces a dead socket of this user. It replaces nothing
 * else: a file of another kind or another user, or a socket that a process
 * still has open, gives EADDRINUSE. Returns -1: see errno.
 */
int unix_bind(int fd, const struct addr *a);
/* Whether unix_bind() would work; makes and replaces nothing. */
int unix_try(int fd, const struct addr *a);

/* The name that a bind made; it is removed only if the file is still ours. */
struct unix_name {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	unsigned long long device, inode;
};
void unix_name_get(struct unix_name *, const struct addr *bound);
void unix_name_remove(const struct unix_name *);

/*
 * Gives a datagram client a name that replies can come back to: an abstract
 * one chosen by the kernel (unix(7), autobind).
 */
int unix_autobind(int fd);

#endif
