#ifndef NET_EPHEMERAL_PORTS_H
#define NET_EPHEMERAL_PORTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Chooses source ports before connect(2), as connect(2) would choose them: even
 * ones of net.ipv4.ip_local_port_range, none that is reserved. bind(2) with
 * port 0 chooses odd ones, and a policy that looks at ports may treat these
 * differently. Odd ports are used after all even ones.
 */
enum { PORTS_RESERVED_MAX = 64 };

struct ephemeral_ports {
	uint16_t low, high, next;
	int left;			/* until the other parity's turn */
	int reserved;
	struct { uint16_t from, to; } skip[PORTS_RESERVED_MAX];
};

void ephemeral_ports_init(struct ephemeral_ports *);

/* Whether it is in the range. */
bool ephemeral_ports_have(const struct ephemeral_ports *, uint16_t port);

/* The next port to try. */
uint16_t ephemeral_ports_next(struct ephemeral_ports *);
/*
 * Continues at a random place, where fewer ports may be in use. odd: with odd
 * ports for a while.
 */
void ephemeral_ports_jump(struct ephemeral_ports *, bool odd);

#endif
