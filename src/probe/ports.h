#ifndef PROBE_PORTS_H
#define PROBE_PORTS_H

#include "net/addr.h"

/*
 * Source ports that are known before connecting, and yet such as connect(2)
 * would choose: even ones of net.ipv4.ip_local_port_range, none reserved.
 * bind(2) alone would choose odd ones, which a policy that looks at ports
 * treats differently.
 */
enum { PORTS_RESERVED_MAX = 64 };

struct ports {
	uint16_t low, high, next;
	int tired;			/* calls that won't even try */
	int reserved;
	struct { uint16_t from, to; } skip[PORTS_RESERVED_MAX];
};

void ports_init(struct ports *);

/* Binds fd to the next free port on ours, and puts it there; -1: none. */
int ports_bind(struct ports *, int fd, struct addr *ours);

#endif
