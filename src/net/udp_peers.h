#ifndef NET_UDP_PEERS_H
#define NET_UDP_PEERS_H

#include "net/backoff.h"
#include "net/conn.h"
#include "net/sock.h"

/*
 * Datagram sockets that many peers write to, made to look like connections:
 * the first datagram of a sender makes one. Nothing is read while ready()
 * says no. With `lock` the first sender is the only one ever; without, over
 * `limit` of them the one that was silent longest is dropped for a new one.
 */
struct peer;
struct peer_socket {
	struct source source;
	struct udp_peers *all;
	struct addr bound;
	struct backoff backoff;
};

struct udp_peers {
	struct loop *loop;
	struct peer_socket sockets[ADDR_MAX];
	int socket_count;
	struct peer *table;
	unsigned count, limit;
	unsigned full;		/* Unix peers that had no room */
	bool lock, locked;
	bool (*ready)(struct udp_peers *);
	/* Around what came at once. */
	void (*on_batch)(struct udp_peers *, bool begins);
	/* Takes over c, or returns -1 to have it freed. */
	int (*on_peer)(struct udp_peers *, struct conn *c);
	/* Datagrams were larger than the room, and are lost: fail_text(). */
	void (*on_cut)(struct udp_peers *);
	/* Closes c, which has been silent longest. */
	void (*on_evict)(struct udp_peers *, struct conn *c);
	void (*on_exhausted)(struct udp_peers *);	/* see fail_text() */
	void *user;
	uint64_t taken;		/* datagrams that a peer got */
	uint32_t lost;		/* when closed: what the queues had no room for */
	struct udp_batch *dgrams;	/* what came last, and of it in hand: */
	const char *data;
	size_t length;
	bool in_hand;
	int64_t told;		/* when on_exhausted() was last called */
	struct timer retry;	/* for Unix peers that had no room */
};

/* Takes over the sockets; the caller has filled in the callbacks. */
int udp_peers_open(struct udp_peers *, struct loop *, const struct sock_set *);
void udp_peers_pause(struct udp_peers *);
void udp_peers_resume(struct udp_peers *);
/* Takes some of what is queued, also if paused, while ready(). */
void udp_peers_drain(struct udp_peers *);
/* The peers are closed already. */
void udp_peers_close(struct udp_peers *);

#endif
