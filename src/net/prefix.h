#ifndef NET_PREFIX_H
#define NET_PREFIX_H

#include "net/addr.h"

/* A network: 192.0.2.0/24, 2001:db8::/32, or one address. */
struct prefix {
	struct addr base;		/* host bits are 0 */
	int rest;			/* number of host bits */
};

/* A list as users write it: "10.0.0.0/8,127.0.0.1". */
struct prefix_reader {
	const char *next;		/* first the text; NULL: at the end */
	const char *item;		/* the last one read, of this length */
	size_t length;
	int place;			/* its number, from 1 */
};
/*
 * Reads the next one. A v4-mapped network is one of IPv4. 0: there is none; -1:
 * a usage fault that says which one is wrong.
 */
int prefix_next(struct prefix_reader *, struct prefix *);
/* A v4-mapped address counts as IPv4; the port does not matter. */
bool prefix_has(const struct prefix *, const struct addr *);
/* The bytes of an IP address; *width: its number of bits. */
uint8_t *prefix_bytes(struct addr *, int *width);

#endif
