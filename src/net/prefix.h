#ifndef NET_PREFIX_H
#define NET_PREFIX_H

#include "net/addr.h"

/* A network: 192.0.2.0/24, 2001:db8::/32, or one address. */
struct prefix {
	struct addr base;		/* host bits are 0 */
	int rest;			/* number of host bits */
};

/* Reads the first length bytes of item; -1: usage. */
int prefix_read(struct prefix *, const char *item, size_t length);
/* A v4-mapped address counts as IPv4; the port does not matter. */
bool prefix_has(const struct prefix *, const struct addr *);
/* The bytes of an IP address; *width: its number of bits. */
uint8_t *prefix_bytes(struct addr *, int *width);

#endif
