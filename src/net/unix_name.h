#ifndef NET_UNIX_NAME_H
#define NET_UNIX_NAME_H

#include "net/addr.h"

/* The names of Unix sockets in directories. */

/*
 * bind(2) that replaces a dead socket of one's own and nothing else: a file
 * of another kind, of another user, or one that anybody still has open gives
 * EADDRINUSE. Returns -1 and errno.
 */
int unix_bind(int fd, const struct addr *a);
/* Whether that would work: nothing is left behind, and nothing replaced. */
int unix_try(int fd, const struct addr *a);

/* Removes the name of fd, if the file there is still the one fd made. */
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
