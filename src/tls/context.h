#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include <stdbool.h>

#include "tls/pin.h"

struct openssl;

/*
 * All TLS connections of one command share this: the authorities that are
 * trusted, and the certificate that peers get. The functions return -1 with a
 * fault, usage if it is a file or a text of the user's. The caller names the
 * option.
 */
struct tls_context {
	const struct openssl *ssl;	/* NULL: there is no TLS */
	struct ssl_ctx_st *context;	/* an SSL_CTX */
	bool server;
	bool insecure;			/* the peer is not verified */
	bool pinned;
	struct pin pin;			/* the key that a peer must have */
	bool authorities;		/* a file of them is given */
	struct pin seen;		/* of the last peer's certificate */
	bool has_seen;
	bool locked;			/* the key in its file */
	bool made;			/* our certificate is our own work */
	struct pin own;			/* its pin */
	bool resume;			/* a client's handshakes, if they can */
	struct ssl_session_st *last;	/* an SSL_SESSION to resume, or NULL */
	unsigned char alpn[256];	/* as the protocol has it (RFC 7301) */
	unsigned alpn_length;
};

/* Loads OpenSSL. */
int tls_context_open(struct tls_context *, bool server);

/* A peer must have this key: pin_read(). */
int tls_context_pin(struct tls_context *, const char *text);

/*
 * Trusts the certificates of a PEM file, or with NULL those of the system. A
 * server with a file wants certificates of its clients. Call it after
 * tls_context_pin(), and after insecure is set.
 */
int tls_context_trust(struct tls_context *, const char *file);

/* Reads our certificate and the chain after it, and the key; both are PEM. */
int tls_context_certificate(struct tls_context *, const char *file);
int tls_context_key(struct tls_context *, const char *file);
/* Makes both, in memory: own is the pin. */
int tls_context_make_certificate(struct tls_context *);

/* Offers these protocols, or, as a server, chooses the first in common. */
int tls_context_alpn(struct tls_context *, const char *names);

/* A peer's FIN is as good as its close_notify: what we send still goes. */
void tls_context_lax_eof(struct tls_context *);

void tls_context_close(struct tls_context *);

#endif
