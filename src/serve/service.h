#ifndef SERVE_SERVICE_H
#define SERVE_SERVICE_H

#include "base/loop.h"
#include "group/registry/registry.h"
#include "net/conn.h"
#include "net/sock.h"
#include "net/udp_batch.h"
#include "relay/pipe_pool.h"
#include "serve/accept.h"
#include "serve/workload.h"

/* echo (RFC 862), discard (RFC 863), chargen (RFC 864) on one loop. */

enum service_kind { SERVE_ECHO, SERVE_DISCARD, SERVE_CHARGEN };

struct service;

/* What a service tells; all are filled in. */
struct service_ops {
	void (*on_open)(struct service *, struct conn *);
	void (*on_close)(struct service *, struct conn *, enum reason);
	void (*on_fault)(struct service *);	/* see fail_text() */
	void (*on_full)(struct service *, bool full);
};

struct datagram_socket {
	struct source source;
	struct service *service;
	uint16_t port;			/* 0: it has none */
	struct backoff backoff;
};

struct service {
	struct loop *loop;
	enum service_kind kind;
	const char *greeting;		/* a line, or NULL */
	const struct service_ops *ops;
	struct counters *counters;
	void *user;
	struct workload workload;
	struct congestion *congestion;	/* of connections, or NULL */
	struct acceptor acceptor;
	struct datagram_socket datagram[ADDR_MAX];
	int datagrams;
	struct udp_batch *dgrams;		/* in hand */
	int64_t told;			/* when exhaustion last was */
	uint32_t lost;			/* of udp_peers.h */
	struct conn *conns;
	struct pipe_pool pipes;
	unsigned last_id;
	char *buffer;
	size_t pattern_length;		/* chargen: whole lines in buffer */
};

/* Serves on the sockets, which it takes over; the fields above are set. */
int service_open(struct service *, const struct sock_set *, bool datagram,
    bool exclusive, unsigned limit);
/* Serves a connection that was accepted elsewhere, and owns it. */
void service_take(struct service *, int fd);
/* Datagrams: answers one that is queued, if any; -1: errno. */
int service_answer(struct service *);
/* Datagrams: answers some of what is queued; closes the sockets. */
void service_drain(struct service *);
void service_stop(struct service *);
void service_close(struct service *);

#endif
