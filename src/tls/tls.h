#ifndef TLS_TLS_H
#define TLS_TLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tls/context.h"

/* TLS on one connected socket, which does not block. */

enum tls_step { TLS_DONE, TLS_WANTS_READ, TLS_WANTS_WRITE, TLS_FAILED };

struct tls {
	struct tls_context *context;
	struct ssl_st *session;		/* an SSL */
	const char *name;		/* a client's: the server's name */
	bool more;			/* a read gives something at once */
	bool read_ended;		/* each read gives the same from now: */
	int read_error;			/* an errno; 0: the peer's end */
	bool truncated;			/* it ended without a close_notify */
	bool shut;			/* the close_notify is sent */
	uint32_t write_wants;		/* EPOLLIN: the last write waits for it */
	/* Bytes for a socket that takes no more; taken: payload in them. */
	int fd;
	char *held;
	size_t held_length, taken;
	const char *why;		/* EPROTO: OpenSSL's reason; static */
	/* Bytes of the socket: up to the handshake's end, and the payload's. */
	uint64_t handshake_end, payload_end;
};

/* The results of a handshake. */
struct tls_facts {
	const char *version, *cipher;
	const char *name;		/* the server's, or NULL */
	char alpn[256];			/* "": none */
	char pin[PIN_TEXT];		/* the peer's key; "": it showed none */
	bool resumed;
	bool verified;			/* the peer is who it should be */
};

/*
 * A client's name is sent (SNI, RFC 6066) and checked; if it is an IP address,
 * only checked. A server has NULL. fd and name stay the caller's. NULL: see
 * fail_text().
 */
struct tls *tls_new(struct tls_context *, int fd, const char *name);

/*
 * Goes on with the handshake. TLS_FAILED: fail_text() says why; errno is the
 * socket's error, if that is why.
 */
enum tls_step tls_handshake(struct tls *);

/*
 * Whether bytes of the peer were read, but none was sent to it, not even an
 * alert: OpenSSL sends none to a peer that does not speak TLS.
 */
bool tls_is_unanswered(const struct tls *);

void tls_facts(const struct tls *, struct tls_facts *);

/*
 * Like recv(2) and send(2), with EAGAIN for whatever is awaited. Reading
 * returns 0 at the peer's end; truncated tells that no close_notify came.
 * EPROTO: see why.
 */
ssize_t tls_read(struct tls *, void *room, size_t length);
ssize_t tls_write(struct tls *, const void *data, size_t length);

/*
 * Of `unacknowledged` bytes that the socket holds: how many bytes of the
 * `written` payload are in them, at least.
 */
uint64_t tls_payload(const struct tls *, uint64_t unacknowledged,
    uint64_t written);

/*
 * The events to wait for, if the caller asks for EPOLLIN, EPOLLOUT or both: a
 * read may have to send, and a write to receive. tls_events_meant() is the way
 * back, from the events that came to those of asked that they mean.
 */
uint32_t tls_events(const struct tls *, uint32_t asked);
uint32_t tls_events_meant(const struct tls *, uint32_t asked, uint32_t came);

/* Sends a close_notify, once. 0: it is sent; -1: see errno. */
int tls_shut(struct tls *);

/*
 * Frees t, which may be NULL. Sends nothing. If the context resumes and the
 * close_notify is sent, it keeps the session for the next tls_new().
 */
void tls_free(struct tls *);

#endif
