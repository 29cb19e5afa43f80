#ifndef GROUP_REACH_PORT_PLAN_H
#define GROUP_REACH_PORT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Which listening sockets of a group connections are wanted for, and how many
 * for each. Source ports are tried one after the other; the kernel gives a
 * connection from each to some socket of the group. The plan tells whether a
 * port is of use. Pure: it knows neither sockets nor the kernel.
 */
enum { PORT_PLAN_ANY = -1 };	/* connections without a limit */

struct port_want {
	uint64_t inode;			/* of the listening socket */
	int64_t left;			/* connections; or PORT_PLAN_ANY */
};

struct port_plan {
	struct port_want *at;
	int count;
	int sockets;			/* in the group, wanted or not */
};

/* left: connections to the socket, or PORT_PLAN_ANY. -1 without memory. */
int port_plan_add(struct port_plan *, uint64_t inode, int64_t left);
void port_plan_free(struct port_plan *);

/* The index of a socket in the plan; -1: it is not in it. */
int port_plan_find(const struct port_plan *, uint64_t inode);
/* Whether a connection to this socket is wanted. */
bool port_plan_wants(const struct port_plan *, uint64_t inode);
/* A connection to the socket begins; or has not come to it after all. */
void port_plan_take(struct port_plan *, uint64_t inode);
void port_plan_give_back(struct port_plan *, uint64_t inode);
/* Sockets that connections are wanted for. */
int port_plan_wanted(const struct port_plan *);

/*
 * How many source ports to ask about, so that the hash misses the wanted
 * sockets in all of them less than once in 10^12 times: (1 - w/k)^n < e^-28
 * for w wanted ones of k.
 */
int port_plan_ports(const struct port_plan *);

/*
 * How many connections to make if nothing tells beforehand who gets one, until
 * a member with this part of the whole would have had one, but for a chance of
 * 10^-6: (1 - 1/k)^(14 k) < e^-14. Never more than 20000, for the ports.
 */
int port_plan_tries(int64_t part, int64_t whole);

#endif
