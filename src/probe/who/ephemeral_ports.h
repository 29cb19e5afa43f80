#ifndef PROBE_WHO_EPHEMERAL_PORTS_H
#define PROBE_WHO_EPHEMERAL_PORTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Source ports that are known before connecting, and yet such as connect(2)
 * would choose: even ones of net.ipv4.ip_local_port_range, none reserved.
 * bind(2) alone would choose odd ones, which a policy that looks at ports
 * treats differently; here they come when all the even ones had their turn.
 */
enum { PORTS_RESERVED_MAX = 64 };

struct ephemeral_ports {
	uint16_t low, high, next;
	int left;			/* until the other half's turn */
	int reserved;
	struct { uint16_t from, to; } skip[PORTS_RESERVED_MAX];
};

void ephemeral_ports_init(struct ephemeral_ports *);

/* The next one to try. */
uint16_t ephemeral_ports_next(struct ephemeral_ports *);
/*
 * Goes on elsewhere, where connections of others may be fewer: among the
 * even ones, or for a while among the odd ones.
 */
void ephemeral_ports_jump(struct ephemeral_ports *, bool odd);

#endif
