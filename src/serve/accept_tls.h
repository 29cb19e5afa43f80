#ifndef SERVE_ACCEPT_TLS_H
#define SERVE_ACCEPT_TLS_H

#include "net/conn.h"
#include "tls/tls.h"

/* The TLS handshake of accepted connections. accept_tls.c has the states. */
struct accept_tls {
	struct tls_context *context;	/* ssl NULL: there is no TLS */
	struct loop *loop;
	struct conn *waiting;		/* connections in their handshake */
	/* Takes over c, whose payload goes through TLS; it may free c. */
	void (*on_ready)(struct accept_tls *, struct conn *c);
	/*
	 * Takes over c, whose handshake failed or was cut off. With
	 * REASON_NO_TLS or REASON_LOCAL, fail_text() has why.
	 */
	void (*on_refused)(struct accept_tls *, struct conn *c, enum reason);
};

/*
 * Takes over an accepted connection; loop and the callbacks are set. Without
 * TLS it is ready at once. -1: c is still the caller's.
 */
int accept_tls_add(struct accept_tls *, struct conn *c);
/* Refuses all connections that are still in their handshake. */
void accept_tls_cut(struct accept_tls *, enum reason);

#endif
