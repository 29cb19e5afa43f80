#ifndef NET_UDP_BATCH_H
#define NET_UDP_BATCH_H

#include <sys/types.h>

#include "net/addr.h"
#include "net/datagram_losses.h"

/*
 * Datagrams on a socket that many peers write to. A reply leaves from the
 * address that the question came to (ip(7), IP_PKTINFO), which a connected
 * peer insists on and a wildcard socket would not give.
 */

enum {
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
struct udp_batch {
	int most;		/* that one call can receive */
	int count;
	struct dgram at[DGRAM_BATCH];
	int used;		/* headers: count, and what was dropped */
	struct losses cut;	/* dropped: larger than the room for one */
	struct losses unsent;	/* replies that the kernel refused */
};

/* Allocates room for what a socket of the kind of fd can receive. */
struct udp_batch *udp_batch_new(int fd);
/*
 * Whether a loss is to be reported now, or at the end: as in datagram_losses.h.
 */
bool udp_batch_losses_due(struct udp_batch *);
bool udp_batch_losses_rest(struct udp_batch *);
/* Never waits: how many it took, of which all->count are whole; or -1. */
int udp_batch_receive(struct udp_batch *all, int fd, int most);
/*
 * Sends each that has a source back to it: how many bytes went. What did not
 * is in all->unsent.
 */
size_t udp_batch_return(struct udp_batch *, int fd);

size_t dgram_pieces(const struct dgram *);
const char *dgram_piece(const struct dgram *, size_t i, size_t *length);

/* Like sendto(2), but never blocks; from of length 0: the kernel chooses. */
ssize_t dgram_send(int fd, const void *data, size_t length,
    const struct addr *to, const struct addr *from);

#endif
