#ifndef NET_SOURCES_H
#define NET_SOURCES_H

#include "net/addr.h"

/*
 * The source addresses (-s, --sources) and ports (--sport) of connections, in
 * turn. Each port is used with every address before the next port.
 */
struct sources {
	struct addr *at;		/* port 0; malloced */
	int count;			/* 0: whichever the kernel takes */
	uint16_t first, last;		/* 0: whichever the kernel takes */
	int address;			/* index of the next one */
	uint16_t port;			/* the next one, if they are given */
};

/*
 * "127.0.0.0/24,10.0.0.7,2001:db8::/120": those of them that are this host's;
 * of a long prefix the first 4096 and what its interfaces have. -1: fault.
 */
int sources_read(struct sources *, const char *text);

/* "9000" or "9000-9099"; -1: usage. */
int sources_read_ports(struct sources *, const char *text);

/* The first address of each family; -1 without memory. */
int sources_take(struct sources *, const struct addr_list *);

/* How many different flows to one target there are; 0: no ports are given. */
uint64_t sources_flows(const struct sources *);

/*
 * The next one: len 0 if nothing was asked for, the wildcard if only a port
 * was. -1 with EADDRNOTAVAIL where no address is of this family.
 */
int sources_next(struct sources *, int family, struct addr *out);
/* The same, and it stays the next one. */
int sources_peek(const struct sources *, int family, struct addr *out);

void sources_free(struct sources *);

#endif
