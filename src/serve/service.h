#ifndef SERVE_SERVICE_H
#define SERVE_SERVICE_H

#include "base/loop.h"
#include "group/registry/registry.h"
#include "net/conn.h"
#include "net/sock.h"
#include "net/udp_batch.h"
#include "relay/pipe_pool.h"
#include "serve/accept.h"
#include "serve/accept_setup.h"
#include "serve/workload.h"

/* echo (RFC 862), discard (RFC 863), chargen (RFC 864) on one loop. */

enum service_kind { SERVE_ECHO, SERVE_DISCARD, SERVE_CHARGEN };

struct service;

/* Callbacks of a service; none may be NULL. */
struct service_ops {
	void (*on_open)(struct service *, struct conn *);
	void (*on_close)(struct service *, struct conn *, enum reason);
	void (*on_fault)(struct service *);	/* fail_text(): why */
	/* The limit of connections is reached, or there is room again. */
	void (*on_full)(struct service *, bool full);
};

struct datagram_socket {
	struct source source;
	struct service *service;
	uint16_t port;			/* 0: a Unix socket */
	struct backoff backoff;
};

struct service {
	struct loop *loop;
	enum service_kind kind;
	bool seqpacket;			/* Unix sockets with records */
	const char *greeting;		/* sent first, a line; or NULL */
	const struct service_ops *ops;
	struct counters *counters;
	void *user;
	struct workload workload;
	struct congestion *congestion;	/* control of connections, or NULL */
	const struct sockopts *sockopts;	/* of connections, or NULL */
	struct acceptor acceptor;
	struct accept_setup setup;	/* see there for the caller's part */
	struct datagram_socket datagram[ADDR_MAX];
	int datagrams;
	struct udp_batch *dgrams;	/* received, not answered yet */
	int64_t reported;		/* when a large record was last reported */
	uint32_t lost;			/* datagrams, to a full queue */
	struct conn *conns;
	struct pipe_pool pipes;
	unsigned last_id;
	char *buffer;
	size_t room;			/* in it */
	size_t pattern_length;		/* chargen: bytes, whole lines */
};

/*
 * Takes over the sockets and serves on them; loop to sockopts are set. limit:
 * most open connections, 0: none. -1: see fail_text().
 */
int service_open(struct service *, const struct sock_set *, bool datagram,
    bool exclusive, unsigned limit);
/* Takes over and serves a connection that another process has accepted. */
void service_take(struct service *, int fd);
/* Datagrams: answers one, if any is queued; -1: errno. */
int service_answer(struct service *);
/* Datagrams: answers what is queued, up to a limit. */
void service_drain(struct service *);
/* Datagrams: reports losses and closes the sockets. */
void service_stop(struct service *);
void service_close(struct service *);

#endif
