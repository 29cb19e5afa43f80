#ifndef PROBE_WHO_PREDICTION_H
#define PROBE_WHO_PREDICTION_H

#include "group/reach/port_search.h"
#include "probe/who/listeners.h"

struct sources;

/*
 * Asks, before a connection is made, which listener the kernel's hash will
 * choose for it; and says whether these predictions are reliable.
 */

/* How the connections are made. */
struct origin {
	bool datagram;
	bool paced;			/* at a rate: asking must not slow it */
	const char *interface;		/* SO_BINDTODEVICE, or NULL */
	struct sources *sources;	/* addresses to connect from, or NULL */
};

/* How predictions compared with what was seen. */
struct prediction_record {
	uint64_t wrong, right;
	bool wanted;			/* some attempts are only predicted */
	bool steered;			/* known: the hash does not choose */
	bool all_verified;		/* none rests on the hash */
};

struct prediction {
	struct prediction_record record;
	/* The rest is prediction.c's. */
	struct origin from;
	struct addr source;		/* connections come from it; port 0 */
	struct port_search search;
	int resting;			/* attempts until ports are tried again */
};

/* The rest is zero. */
void prediction_init(struct prediction *, struct sock_diag *,
    const struct origin *);
void prediction_aim(struct prediction *, const struct addr *target);

/* Binds fd and returns the inode of its listener: see identify_predict(). */
uint64_t prediction_make(struct prediction *, int fd, struct addr *ours);

/* Compares two rows: predicted, and seen to accept; -1: not known. */
void prediction_compare(struct prediction *, int predicted, int row);

/* Whether enough were right, none wrong, for a group of that many sockets. */
bool prediction_is_reliable(const struct prediction *, int sockets);

/*
 * Takes unreliable predictions back: the tally counts them as unattributed, or
 * as queued somewhere. list is the group with its queues as they are now.
 * Returns how many were taken back.
 */
uint64_t prediction_void(const struct prediction *, struct tally *,
    const struct listeners *, const struct diag_sock *list, int count);

#endif
