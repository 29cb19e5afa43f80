#ifndef NET_UDP_BATCH_H
#define NET_UDP_BATCH_H

#include <sys/types.h>

#include "net/addr.h"
#include "net/datagram_losses.h"

/*
 * Datagrams on a socket that many peers write to. A reply leaves from the
 * address that the request came to (ip(7), IP_PKTINFO): a connected peer drops
 * any other, and a wildcard socket would choose another.
 */

enum {
	DGRAM_BATCH = 64,
};

/*
 * A datagram, or several of one size from one sender that the kernel has
 * joined into one (UDP_GRO).
 */
struct dgram {
	struct addr from, to;	/* length 0: not known */
	char *data;
	size_t length, piece;	/* piece: the last may be shorter */
};

/* The datagrams of one call. */
struct udp_batch {
	int most;		/* one call can receive */
	int count;
	struct dgram at[DGRAM_BATCH];
	int used;		/* headers used: count, and the dropped */
	struct losses cut;	/* dropped, because too large */
	struct losses unsent;	/* replies that the kernel refused */
};

/* Allocates room for what a socket of the kind of fd can receive. */
struct udp_batch *udp_batch_new(int fd);
/* Whether to report a loss, now and at the end: see datagram_losses.h. */
bool udp_batch_losses_due(struct udp_batch *);
bool udp_batch_losses_rest(struct udp_batch *);
/* Never waits. Returns how many it took (all->count are whole), or -1. */
int udp_batch_receive(struct udp_batch *all, int fd, int most);
/*
 * Sends each datagram that has a source back to it; returns the bytes sent.
 * all->unsent counts the rest.
 */
size_t udp_batch_return(struct udp_batch *, int fd);

size_t dgram_pieces(const struct dgram *);
const char *dgram_piece(const struct dgram *, size_t i, size_t *length);

/* Like sendto(2), but never blocks; from->len 0: the kernel chooses it. */
ssize_t dgram_send(int fd, const void *data, size_t length,
    const struct addr *to, const struct addr *from);

#endif
