#ifndef TLS_TLS_CONN_H
#define TLS_TLS_CONN_H

#include "net/conn.h"
#include "tls/tls.h"

/*
 * Makes c a connection whose bytes go through t, and takes t over. The
 * handshake is done. -1: t is still the caller's.
 */
int tls_conn_wrap(struct conn *c, struct tls *t);

/* The TLS of a connection; NULL: it has none. */
const struct tls *tls_of(const struct conn *);

#endif
