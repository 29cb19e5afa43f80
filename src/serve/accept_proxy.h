#ifndef SERVE_ACCEPT_PROXY_H
#define SERVE_ACCEPT_PROXY_H

#include "net/conn.h"
#include "net/prefix.h"

/*
 * The PROXY header (net/proxy_header.h) that comes first on an accepted
 * connection, if --accept-proxy is given. accept_proxy.c has the states.
 */
struct accept_proxy {
	bool on;			/* else none is awaited */
	struct prefix *from;		/* only these peers send one */
	int count;			/* 0: all peers do */
	struct loop *loop;
	struct conn *waiting;		/* connections whose header is incomplete */
	/* Takes over c, from which payload can be read; it may free c. */
	void (*on_ready)(struct accept_proxy *, struct conn *c);
	/*
	 * Takes over c, which has no header or a bad one. If that is a fault,
	 * fail_text() says why.
	 */
	void (*on_refused)(struct accept_proxy *, struct conn *c,
	    enum reason reason, bool fault);
};

/* Reads the option's value, NULL if it is not given; -1: usage. */
int accept_proxy_read(struct accept_proxy *, const char *text);
/*
 * Takes over an accepted connection; loop and the callbacks are set. If no
 * header is awaited, it is ready at once. -1: c is still the caller's.
 */
int accept_proxy_add(struct accept_proxy *, struct conn *c);
/* Refuses all connections that still wait for a header. */
void accept_proxy_cut(struct accept_proxy *, enum reason);
void accept_proxy_free(struct accept_proxy *);

#endif
