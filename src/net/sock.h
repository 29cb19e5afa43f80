#ifndef NET_SOCK_H
#define NET_SOCK_H

#include <stdbool.h>

#include "net/addr.h"
#include "net/sockopt.h"
#include "net/sockopts.h"

/* Listening sockets; dial.h connects. All sockets are CLOEXEC. */

/* The protocol of a socket that is not for datagrams. */
enum stream_kind { STREAM_PLAIN, STREAM_MPTCP, STREAM_SEQPACKET };

struct sock_options {
	bool datagram, reuseport;
	enum stream_kind stream;
	bool dry;		/* only bind: a test whether it works */
	int backlog;
	const char *interface;	/* SO_BINDTODEVICE, or NULL */
	struct addr source;	/* of a multicast group; len 0: all */
	const struct sockopts *sockopts;	/* set before bind(2), or NULL */
};

/* The sockets of one endpoint: a wildcard has two, a host name maybe more. */
struct sock_set {
	int count;
	int fd[ADDR_MAX];
	struct addr bound[ADDR_MAX];
	bool no_ipv6;		/* the wildcard lacks IPv6: kernel without */
	int adopted;		/* the pid they are from (adopt.h), or 0 */
	bool inherited;		/* from a service manager, which has them too */
	struct addr refused;	/* on failure: the address, and errno */
	int error;
};

/*
 * Opens a non-blocking listening (or bound datagram) socket on every address of
 * want, all on the same port, or opens none: -1 with a bind fault. With port 0
 * it tries again until all get the same one. Never sets SO_REUSEADDR on UDP,
 * where it would let other users take the port's traffic (KERNEL: any uid).
 */
int sock_listen(struct sock_set *out, const struct addr_list *want,
    const struct sock_options *options);
void sock_set_close(struct sock_set *);

/* The socket's own address; -1: see errno. */
int sock_name(int fd, struct addr *);

/*
 * The inode of a socket, as in sock_diag(7) and /proc; 0: fd is no longer a
 * socket.
 */
uint64_t sock_inode(int fd);

/*
 * connect(2) without waiting: EINPROGRESS if no answer is there yet. A socket
 * of this host answers at once.
 */
int sock_connect(int fd, const struct addr *);

/*
 * Whether this host has a source address to reach it from. If so, EADDRNOTAVAIL
 * of connect(2) means that no port is free.
 */
bool sock_has_source(const struct addr *to);

/* Whether sending to it takes SO_BROADCAST. */
bool sock_is_broadcast(const struct addr *to);

/* Whether the address is one of this host's. */
bool sock_is_local(const struct addr *);

int sock_device(int fd, const char *interface);

/* socket(2) for connections. -1: errno. */
int sock_stream(int family, int flags, enum stream_kind);
/* Whether it is a socket of MPTCP, and its peer has MPTCP, too. */
bool sock_is_mptcp(int fd);
bool sock_has_mptcp_peer(int fd);

#endif
