#ifndef NET_ACCESS_H
#define NET_ACCESS_H

#include <stddef.h>

#include "net/addr.h"

/*
 * Networks that are allowed or denied. The longest one that has an address
 * decides. All zero: everybody is allowed. access.c says how it is looked up.
 */
enum { ACCESS_KEY = 17 };
struct access_rule {
	uint8_t key[ACCESS_KEY];	/* of the network's first address */
	uint8_t bits;			/* of the prefix */
	bool allow;
	int outer;			/* the next shorter one; -1: none */
};

struct access {
	struct access_rule *rules;
	int count;
	bool only;	/* something is allowed, so the rest is denied */
};

/*
 * The address without its port, as bytes: its family, then 16 bytes. A
 * v4-mapped address counts as IPv4.
 */
void access_key(const struct addr *, uint8_t key[static ACCESS_KEY]);

/* Adds a list of networks ("any": all of them); -1: usage. */
int access_add(struct access *, const char *list, bool allow);
/*
 * Makes it ready for access_allows(); nothing is added after it. -1: usage, a
 * network is allowed and denied.
 */
int access_settle(struct access *);
/* Whether an IP address may come. */
bool access_allows(const struct access *, const struct addr *);
/* A hash of whom it allows, the same for the same rules; 0: everybody. */
uint64_t access_hash(const struct access *);
void access_free(struct access *);

#endif
