#ifndef NET_SOURCES_H
#define NET_SOURCES_H

#include "net/addr.h"

/*
 * The source addresses (-s, --sources) and ports (--sport) of connections, in
 * turn. Each port is used with every address before the next port.
 */
struct sources {
	struct addr *at;		/* port 0; malloced */
	int count;			/* 0: the kernel chooses */
	uint16_t first, last;		/* 0: the kernel chooses */
	int address;			/* index of the next one */
	uint16_t port;			/* the next one, if ports are given */
};

/*
 * Reads "127.0.0.0/24,10.0.0.7,2001:db8::/120" and keeps the addresses that are
 * this host's. A large prefix gives its first 4096 and those that interfaces
 * have. -1: a fault.
 */
int sources_read(struct sources *, const char *text);

/* "9000" or "9000-9099"; -1: usage. */
int sources_read_ports(struct sources *, const char *text);

/* Keeps the first address of each family; -1: no memory. */
int sources_take(struct sources *, const struct addr_list *);

/* The number of different flows to one target; 0: no ports are given. */
uint64_t sources_flows(const struct sources *);

/*
 * Gives the next source and moves on: len 0 if the user gave none, the wildcard
 * if only ports were given. -1 and EADDRNOTAVAIL: no address has this family.
 */
int sources_next(struct sources *, int family, struct addr *out);
/* Gives the next source, and does not move on. */
int sources_peek(const struct sources *, int family, struct addr *out);

void sources_free(struct sources *);

#endif
