#ifndef NET_PROXY_HANDSHAKE_H
#define NET_PROXY_HANDSHAKE_H

#include "net/proxy_route.h"

/*
 * Asks each proxy of a route in turn to connect to the next one, and the last
 * one to the server, over one socket that is connected to the first. Nothing
 * here blocks: each step says what it waits for. Bytes that the server has sent
 * are still to be read.
 */

enum proxy_step {
	HANDSHAKE_DONE, HANDSHAKE_WANTS_READ, HANDSHAKE_WANTS_WRITE,
	HANDSHAKE_FAILED,
};

/* The questions to a proxy, in their order. */
enum proxy_question {
	ASK_METHOD, ASK_LOGIN, ASK_CONNECT,	/* SOCKS5 */
	ASK_HTTP,
	ASK_NEXT,				/* the next proxy */
};

struct proxy_handshake {
	const struct proxy_route *route;
	const struct endpoint *server;
	const struct addr *known;	/* the server's address; NULL: by name */
	int hop;			/* index of the one that is asked */
	bool reached;			/* all proxies have connected */
	/* It failed, and a later try, or another address, may succeed. */
	bool may_pass;
	bool refused;			/* by the server, says SOCKS */
	enum proxy_question question;
	bool asked;			/* the request is sent */
	char *room;			/* the request, then the reply */
	size_t size, length, sent;
};

/*
 * server: the route's, or the same host with another port. known: one of its
 * addresses, or NULL. All of these must live until the end. -1: no memory.
 */
int proxy_handshake_begin(struct proxy_handshake *, const struct proxy_route *,
    const struct endpoint *server, const struct addr *known);

/*
 * Goes on over the socket. HANDSHAKE_FAILED: fail_text() names the proxy and
 * says why. After it, and after HANDSHAKE_DONE, the caller frees the buffer by
 * proxy_handshake_end().
 */
enum proxy_step proxy_handshake(struct proxy_handshake *, int fd);
void proxy_handshake_end(struct proxy_handshake *);

/* Records that the proxy that is asked did not answer in time; returns -1. */
int proxy_handshake_late(const struct proxy_handshake *);

#endif
