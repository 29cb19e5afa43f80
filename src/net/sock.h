#ifndef NET_SOCK_H
#define NET_SOCK_H

#include <stdbool.h>

#include "net/addr.h"

/*
 * Listening sockets; dial.h has those that connect and wait. All are CLOEXEC.
 */

struct sock_options {
	bool datagram, reuseport;
	bool dry;		/* bind, but do not listen: would it work? */
	int backlog;
	const char *interface;	/* SO_BINDTODEVICE, or NULL */
};

/* The sockets of one endpoint: a wildcard has two, a host name maybe more. */
struct sock_set {
	int count;
	int fd[ADDR_MAX];
	struct addr bound[ADDR_MAX];
	bool no_ipv6;		/* a wildcard for which the kernel has none */
	int adopted;		/* a pid that they were taken from, or 0: others
				   may hold them, too (adopt.h) */
	struct addr refused;	/* on failure: where, and errno */
	int error;
};

/*
 * Opens a non-blocking listening (or bound datagram) socket on every address
 * of want, all on the same port, or none: -1 with a bind fault. Port 0 is
 * tried again until all get the same one. Never sets SO_REUSEADDR on UDP,
 * where it would let other users take the port's traffic (KERNEL: any uid).
 */
int sock_listen(struct sock_set *out, const struct addr_list *want,
    const struct sock_options *options);
void sock_set_close(struct sock_set *);

/* Sets a socket option that is an int; -1 and errno. */
int sock_set_int(int fd, int level, int option, int value);

/* The address of its own end; none, -1 and errno where it has none. */
int sock_name(int fd, struct addr *);

/*
 * The inode of a socket, as in sock_diag(7) and /proc; 0: fd is no longer a
 * socket.
 */
uint64_t sock_inode(int fd);

/*
 * connect(2) without waiting: EINPROGRESS if the answer isn't there at once,
 * as this host's own is.
 */
int sock_connect(int fd, const struct addr *);

/*
 * Whether this host has an address to reach it from: EADDRNOTAVAIL of
 * connect(2) then is about ports.
 */
bool sock_has_source(const struct addr *to);

/* Whether the address is one of this host's. */
bool sock_is_local(const struct addr *);

int sock_device(int fd, const char *interface);

#endif
