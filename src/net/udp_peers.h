#ifndef NET_UDP_PEERS_H
#define NET_UDP_PEERS_H

#include "net/backoff.h"
#include "net/conn.h"
#include "net/sock.h"

/*
 * Makes connections of datagram sockets that many peers write to: the first
 * datagram of a sender makes one. Nothing is read while ready() returns false.
 * With `lock`, the first sender is the only peer ever. Without it, if there are
 * `limit` peers, a new one replaces the one that was silent longest.
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
	unsigned full;		/* Unix peers whose queue is full */
	bool lock, locked;
	bool (*ready)(struct udp_peers *);
	/* A batch begins, or ends. */
	void (*on_batch)(struct udp_peers *, bool begins);
	/* Whether its sender may become a peer; else the datagram is lost. */
	bool (*admits)(struct udp_peers *, const struct addr *from);
	/* Takes ownership of c, or returns -1: c is then freed. */
	int (*on_peer)(struct udp_peers *, struct conn *c);
	/* Datagrams were too large, and are lost: see fail_text(). */
	void (*on_cut)(struct udp_peers *);
	/* The caller closes c, which was silent longest. */
	void (*on_evict)(struct udp_peers *, struct conn *c);
	void (*on_exhausted)(struct udp_peers *);	/* see fail_text() */
	void *user;
	uint64_t taken;		/* datagrams given to a peer */
	uint32_t lost;		/* after the close: dropped by full queues */
	struct udp_batch *dgrams;	/* the last batch */
	const char *data;		/* the datagram that a peer may read */
	size_t length;
	bool in_hand;			/* there is one, not yet read */
	int64_t reported;	/* when on_exhausted() was last called */
	struct timer retry;	/* for full Unix and starved peers */
};

/* Takes ownership of the sockets; the caller has filled in the callbacks. */
int udp_peers_open(struct udp_peers *, struct loop *, const struct sock_set *);
void udp_peers_pause(struct udp_peers *);
void udp_peers_resume(struct udp_peers *);
/* Takes some of the queued datagrams, even if paused, while ready(). */
void udp_peers_drain(struct udp_peers *);
/* The caller has closed all peers. */
void udp_peers_close(struct udp_peers *);

#endif
