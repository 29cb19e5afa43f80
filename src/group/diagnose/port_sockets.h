#ifndef GROUP_DIAGNOSE_PORT_SOCKETS_H
#define GROUP_DIAGNOSE_PORT_SOCKETS_H

#include "group/registry/registry.h"
#include "kernel/sockinfo.h"

/* All sockets of one port, of every process, and their owners. */
struct port_sockets {
	int count;
	struct diag_sock *list;		/* IPv4, then IPv6; each in the
					   order of the kernel's search */
	struct sockinfo sockinfo;
	struct registry *registry;		/* this user's, or NULL */
	bool datagram, registry_tried;
};

enum relation {
	APART,		/* no packet matches both */
	SAME,		/* the same address */
	COVERS,		/* a covers b: it is the wildcard */
	COVERED,
};

/*
 * Lists the sockets in states (sock_diag_dump()); -1: the kernel does not say.
 * The last fault stays.
 */
int port_sockets_open(struct port_sockets *, bool datagram, uint16_t port,
    unsigned states);
void port_sockets_close(struct port_sockets *);

/* By address alone; devices don't count. */
enum relation relation_of(const struct diag_sock *a,
    const struct diag_sock *b);
/* Whether they are bound to different devices: no packet matches both. */
bool on_other_device(const struct diag_sock *a, const struct diag_sock *b);
/* Whether they are in one reuseport group, if both are one user's. */
bool in_one_group(const struct diag_sock *a, const struct diag_sock *b);
/* Whether it is the first of its group in the list. */
bool port_socket_is_first(const struct port_sockets *, int at);

/* The socket that we would bind to a: with IPV6_V6ONLY. */
struct diag_sock port_socket_like(const struct addr *a, bool datagram,
    const char *interface);

/*
 * Whether it accepts new clients: it listens, or is an unconnected UDP socket.
 */
bool port_socket_listens(const struct diag_sock *);

/*
 * The value of its SO_REUSEPORT or SO_REUSEADDR; -1: unknown. If two TCP
 * sockets listen on one address, both have SO_REUSEPORT.
 */
int port_socket_reuseport(struct port_sockets *, const struct diag_sock *);
int port_socket_reuseaddr(struct port_sockets *, const struct diag_sock *);

/*
 * "A (pid 4100)" of a member, "nginx (pid 812, user www-data)", or
 * "a process of user www-data"; for the terminal. Return text.
 */
enum { PORT_SOCKET_TEXT = 256 };
const char *port_socket_text(struct port_sockets *, const struct diag_sock *,
    char text[static PORT_SOCKET_TEXT]);
/* "127.0.0.1:9000", "[::]:9000 (IPv4 too)", "0.0.0.0:9000 (by lo only)" */
const char *port_socket_place(const struct diag_sock *,
    char text[static PORT_SOCKET_TEXT]);
const char *user_text(uid_t, char text[static PORT_SOCKET_TEXT]);

/* The slot of the living member that has it, or NULL. */
const struct slot *port_socket_slot(struct port_sockets *,
    const struct diag_sock *);
/* Finds its owner in /proc; returns 1, or 0 if it finds none. */
int port_socket_owner(struct port_sockets *, const struct diag_sock *,
    struct owner *);

#endif
