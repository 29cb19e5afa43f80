#ifndef NET_DGRAMS_H
#define NET_DGRAMS_H

#include <sys/types.h>

#include "net/addr.h"

/*
 * Datagrams on a socket that many peers write to. A reply leaves from the
 * address that the question came to (ip(7), IP_PKTINFO), which a connected
 * peer insists on and a wildcard socket would not give.
 */

enum {
	DGRAM_MAX = 65536,
	DGRAM_BATCH = 64,
};

/*
 * A datagram, or several of one size from one sender that the kernel has
 * joined into one (UDP_GRO).
 */
struct dgram {
	struct addr from, to;	/* of length 0: not known */
	char *data;
	size_t length, piece;	/* each but the last, which may be shorter */
};

/* Those that one call received. */
struct dgrams {
	int count;
	struct dgram at[DGRAM_BATCH];
};

struct dgrams *dgrams_new(void);
/* Never waits: how many came, or -1. */
int dgrams_receive(struct dgrams *, int fd, int most);
/* Sends each back to where it came from: how many bytes went. */
size_t dgrams_return(struct dgrams *, int fd);

size_t dgram_pieces(const struct dgram *);
const char *dgram_piece(const struct dgram *, size_t i, size_t *length);

/* As sendto(2), never waiting; from of length 0: the kernel's choice. */
ssize_t dgram_send(int fd, const void *data, size_t length,
    const struct addr *to, const struct addr *from);

#endif
