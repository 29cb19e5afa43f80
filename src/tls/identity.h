#ifndef TLS_IDENTITY_H
#define TLS_IDENTITY_H

#include "tls/openssl.h"
#include "tls/pin.h"

/*
 * Gives a context a key on the curve P-256 and a certificate that this key has
 * signed, and fills in the key's pin. Both are only in memory: a client trusts
 * them by the pin. -1: see fail_text().
 */
int identity_make(const struct openssl *, SSL_CTX *, struct pin *);

#endif
