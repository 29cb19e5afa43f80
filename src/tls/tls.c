/*
 * TLS on a socket that does not block. Each call says what it waits for, which
 * may be the other direction: a read may have to send the answer to a key
 * update (RFC 8446, 4.6.3).
 *
 * OpenSSL can't send this answer while a part of another record is still to be
 * written: SSL_read(3ssl) then breaks the connection. So nothing is ever left
 * to be written in OpenSSL. It writes to a BIO of ours, which sends what the
 * socket takes, and holds the rest; each later call sends that first. While
 * something is held, tls_write() encrypts no more, and it does not report the
 * payload in it, so that to its caller it is like send(2).
 */
#include "tls/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/fail.h"
#include "tls/openssl.h"

static const struct openssl *
openssl_of(const struct tls *t)
{
	return t->context->ssl;
}

static bool
name_is_address(const char *name)
{
	unsigned char room[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, name, room) > 0 ||
	    inet_pton(AF_INET6, name, room) > 0;
}

/* The name that the certificate must have; 0: no memory. */
static int
tls_set_name(struct tls *t, const char *name)
{
	const struct openssl *ssl = openssl_of(t);
	bool ip = name_is_address(name);

	if (!ip && ssl->SSL_ctrl(t->session, SSL_CTRL_SET_TLSEXT_HOSTNAME,
	    TLSEXT_NAMETYPE_host_name, (char *)name) <= 0)
		return 0;
	return ip ? ssl->X509_VERIFY_PARAM_set1_ip_asc(
	    ssl->SSL_get0_param(t->session), name) :
	    ssl->SSL_set1_host(t->session, name);
}

/* Returns the bytes that the socket takes, maybe 0; -1: see errno. */
static ssize_t
socket_send(const struct tls *t, const char *data, size_t length)
{
	ssize_t n = send(t->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

static int
tls_hold(struct tls *t, const char *data, size_t length)
{
	char *held = realloc(t->held, t->held_length + length);

	if (!held)
		return -1;
	memcpy(held + t->held_length, data, length);
	t->held = held;
	t->held_length += length;
	return 0;
}

static int
on_bio_write(BIO *bio, const char *data, int length)
{
	struct tls *t = openssl_load()->BIO_get_data(bio);
	size_t n = (size_t)length;
	ssize_t sent = t->held_length ? 0 : socket_send(t, data, n);

	if (sent < 0 || ((size_t)sent < n &&
	    tls_hold(t, data + sent, n - (size_t)sent) < 0))
		return -1;
	return length;
}

static long
on_bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH;
}

/* The kind of our BIO, made once; NULL: no memory. */
static const BIO_METHOD *
bio_kind(const struct openssl *ssl)
{
	static BIO_METHOD *kind;

	if (!kind)
		kind = ssl->BIO_meth_new(BIO_TYPE_SOURCE_SINK, "rpnc");
	if (kind) {
		ssl->BIO_meth_set_write(kind, on_bio_write);
		ssl->BIO_meth_set_ctrl(kind, on_bio_ctrl);
	}
	return kind;
}

/* 0: no memory. */
static int
tls_set_socket(struct tls *t, int fd)
{
	const struct openssl *ssl = openssl_of(t);
	const BIO_METHOD *kind = bio_kind(ssl);
	BIO *out = kind ? ssl->BIO_new(kind) : NULL;

	if (!out)
		return 0;
	t->fd = fd;
	ssl->BIO_set_data(out, t);
	ssl->BIO_set_init(out, 1);
	ssl->SSL_set0_wbio(t->session, out);
	return ssl->SSL_set_rfd(t->session, fd);
}

/* Sends what is held. -1: see errno; EAGAIN: some is still held. */
static int
tls_flush(struct tls *t)
{
	while (t->held_length) {
		ssize_t n = socket_send(t, t->held, t->held_length);

		if (n <= 0) {
			errno = n ? errno : EAGAIN;
			return -1;
		}
		t->held_length -= (size_t)n;
		memmove(t->held, t->held + n, t->held_length);
	}
	free(t->held);
	t->held = NULL;
	return 0;
}

struct tls *
tls_new(struct tls_context *c, int fd, const char *name)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (!t) {
		fail("TLS");
		return NULL;
	}
	t->context = c;
	t->name = name;
	t->session = c->ssl->SSL_new(c->context);
	if (t->session && tls_set_socket(t, fd) &&
	    (!name || tls_set_name(t, name))) {
		if (c->server)
			c->ssl->SSL_set_accept_state(t->session);
		else
			c->ssl->SSL_set_connect_state(t->session);
		if (c->last)
			c->ssl->SSL_set_session(t->session, c->last);
		return t;
	}
	fail_as(STATUS_NETWORK, "OpenSSL has no memory for a connection");
	tls_free(t);
	return NULL;
}

/* OpenSSL's words for an error, or plainer ones. Static; NULL: none. */
static const char *
reason_of(const struct openssl *ssl, unsigned long error)
{
	switch (error ? ERR_GET_REASON(error) : 0) {
	case 0:
		return NULL;
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return "the peer closed the connection";
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
		return "the peer does not speak TLS";
	default:
		return ssl->ERR_reason_error_string(error);
	}
}

static void
tls_forget_errors(struct tls *t)
{
	errno = 0;
	openssl_of(t)->ERR_clear_error();
}

/* The certificate is not trusted, and the user may know better. */
static int
verify_fault(const struct tls *t, long result)
{
	const struct tls_context *c = t->context;
	char pin[PIN_TEXT];

	fail_as(STATUS_NETWORK, "TLS: the certificate of %s is not trusted: %s",
	    t->name ? t->name : "the client",
	    c->ssl->X509_verify_cert_error_string(result));
	switch (result) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return fail_advise(ADVICE_TLS_NAME);
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		if (c->server || !c->has_seen)
			return -1;
		fail_add("its key is %s", pin_text(&c->seen, pin));
		return fail_advise(ADVICE_TLS_PIN);
	default:
		return -1;
	}
}

static int
handshake_fault(const struct tls *t)
{
	const struct openssl *ssl = openssl_of(t);
	unsigned long error = ssl->ERR_peek_error();
	const char *reason = reason_of(ssl, error);

	if (!reason && errno)
		return fail("TLS handshake");
	errno = EPROTO;			/* to send an alert may have failed, too */
	if (error && ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return verify_fault(t, ssl->SSL_get_verify_result(t->session));
	return fail_as(STATUS_NETWORK, "TLS handshake: %s",
	    reason ? reason : "the peer closed the connection");
}

/* A pin is checked last: before that the peer has not shown its certificate. */
static int
pin_check(struct tls *t)
{
	const struct tls_context *c = t->context;
	struct tls_facts facts;
	char wanted[PIN_TEXT];

	if (!c->pinned)
		return 0;
	tls_facts(t, &facts);
	if (strcmp(facts.pin, pin_text(&c->pin, wanted)) == 0)
		return 0;
	return fail_as(STATUS_NETWORK, "TLS: the peer's key is not the pinned "
	    "one: it is %s, not %s", facts.pin, wanted);
}

/* Bytes that the socket has taken so far. */
static uint64_t
tls_sent(const struct tls *t)
{
	const struct openssl *ssl = openssl_of(t);

	return ssl->BIO_number_written(ssl->SSL_get_wbio(t->session)) -
	    t->held_length;
}

bool
tls_is_unanswered(const struct tls *t)
{
	const struct openssl *ssl = openssl_of(t);

	return ssl->BIO_number_read(ssl->SSL_get_rbio(t->session)) &&
	    !tls_sent(t);
}

/* Whether OpenSSL holds bytes that it has read, perhaps half a record. */
static bool
tls_has_more(const struct tls *t)
{
	return openssl_of(t)->SSL_has_pending(t->session);
}

static enum tls_step
handshake_done(struct tls *t)
{
	if (pin_check(t) < 0)
		return TLS_FAILED;
	t->handshake_end = t->payload_end = tls_sent(t);
	t->more = tls_has_more(t);
	return TLS_DONE;
}

enum tls_step
tls_handshake(struct tls *t)
{
	const struct openssl *ssl = openssl_of(t);
	int done, error;

	tls_forget_errors(t);
	if (tls_flush(t) < 0 && errno != EAGAIN) {
		fail("TLS handshake");
		return TLS_FAILED;
	}
	if (t->held_length)
		return TLS_WANTS_WRITE;
	done = ssl->SSL_do_handshake(t->session);
	error = ssl->SSL_get_error(t->session, done);
	if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ) {
		handshake_fault(t);
		return TLS_FAILED;
	}
	if (t->held_length)
		return TLS_WANTS_WRITE;
	return error ? TLS_WANTS_READ : handshake_done(t);
}

/* A pin is as good as a chain of certificates and a name. */
static void
facts_of_peer(const struct tls *t, struct tls_facts *f)
{
	const struct tls_context *c = t->context;
	const struct openssl *ssl = openssl_of(t);
	X509 *peer = ssl->SSL_get1_peer_certificate(t->session);
	struct pin pin;

	if (!peer)
		return;
	if (pin_of(ssl, peer, &pin) == 0)
		pin_text(&pin, f->pin);
	f->verified = c->pinned || ssl->SSL_get_verify_result(t->session) ==
	    X509_V_OK;
	ssl->X509_free(peer);
}

void
tls_facts(const struct tls *t, struct tls_facts *f)
{
	const struct openssl *ssl = openssl_of(t);
	const unsigned char *alpn;
	unsigned length;

	*f = (struct tls_facts){
		.version = ssl->SSL_get_version(t->session),
		.cipher = ssl->SSL_CIPHER_get_name(
		    ssl->SSL_get_current_cipher(t->session)),
		.name = t->name ? t->name : ssl->SSL_get_servername(
		    t->session, TLSEXT_NAMETYPE_host_name),
		.resumed = ssl->SSL_session_reused(t->session),
	};
	ssl->SSL_get0_alpn_selected(t->session, &alpn, &length);
	if (length && length < sizeof(f->alpn))
		memcpy(f->alpn, alpn, length);
	facts_of_peer(t, f);
}

/* Sets errno for a call that gave nothing; returns -1, or 0 at the end. */
static ssize_t
tls_result(struct tls *t, int done)
{
	const struct openssl *ssl = openssl_of(t);

	switch (ssl->SSL_get_error(t->session, done)) {
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_WANT_READ:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_SYSCALL:
		if (!errno)
			errno = ECONNRESET;
		return -1;
	default:
		/* the last is libssl's, before it may be libcrypto's */
		t->why = reason_of(ssl, ssl->ERR_peek_last_error());
		errno = EPROTO;
		return -1;
	}
}

/* The peer's FIN came where a close_notify should have come (RFC 8446, 6.1). */
static bool
is_truncated(const struct openssl *ssl)
{
	return ERR_GET_REASON(ssl->ERR_peek_error()) ==
	    SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

/*
 * Keeps the end or the fault: OpenSSL gives it once, and the caller may have
 * asked for more only to fill its buffer.
 */
static ssize_t
tls_read_nothing(struct tls *t, int done)
{
	ssize_t result = 0;

	t->truncated = is_truncated(openssl_of(t));
	if (!t->truncated)
		result = tls_result(t, done);
	t->read_ended = result == 0 || errno != EAGAIN;
	t->read_error = result < 0 ? errno : 0;
	t->more = t->read_ended;
	return result;
}

ssize_t
tls_read(struct tls *t, void *room, size_t length)
{
	size_t got;
	int done;

	if (t->read_ended) {
		errno = t->read_error;
		return errno ? -1 : 0;
	}
	tls_flush(t);		/* a write has its error */
	tls_forget_errors(t);
	done = openssl_of(t)->SSL_read_ex(t->session, room, length, &got);
	if (!done)
		return tls_read_nothing(t, done);
	t->more = tls_has_more(t);
	return (ssize_t)got;
}

/* Encrypts a record: the payload in it is in t->taken. -1: see errno. */
static int
tls_encrypt(struct tls *t, const void *data, size_t length)
{
	int done = openssl_of(t)->SSL_write_ex(t->session, data, length,
	    &t->taken);

	if (done)
		return 0;
	t->taken = 0;
	/* 0: the peer's close_notify hides why */
	if (tls_result(t, done) == 0 && !errno)
		errno = EPIPE;
	t->write_wants = errno == EAGAIN ? EPOLLIN : 0;
	return -1;
}

ssize_t
tls_write(struct tls *t, const void *data, size_t length)
{
	size_t taken;

	tls_forget_errors(t);
	t->write_wants = 0;
	if (tls_flush(t) < 0 || (!t->taken && tls_encrypt(t, data, length) < 0))
		return -1;
	if (t->held_length) {
		errno = EAGAIN;
		return -1;
	}
	taken = t->taken;
	t->taken = 0;
	t->payload_end = tls_sent(t);
	return (ssize_t)taken;
}

/*
 * A full record has 16 KiB of payload, and the least that surrounds them is a
 * header of 5 bytes and a tag of 16 (RFC 8446, 5.2; RFC 7905). So what was
 * acknowledged holds no more payload than `most`.
 */
uint64_t
tls_payload(const struct tls *t, uint64_t unacknowledged, uint64_t written)
{
	enum { RECORD = 16384, AROUND = 5 + 16 };
	uint64_t acknowledged = tls_sent(t) - unacknowledged, most;

	if (acknowledged >= t->payload_end)
		return 0;
	if (acknowledged <= t->handshake_end)
		return written;
	most = (acknowledged - t->handshake_end) * RECORD / (RECORD + AROUND);
	return most < written ? written - most : 1;
}

/* The next read, too, sends held bytes. */
static uint32_t
read_events(const struct tls *t)
{
	return EPOLLIN | (t->held_length ? EPOLLOUT : 0);
}

static uint32_t
write_events(const struct tls *t)
{
	return t->write_wants ? t->write_wants : EPOLLOUT;
}

uint32_t
tls_events(const struct tls *t, uint32_t asked)
{
	return (asked & EPOLLIN ? read_events(t) : 0) |
	    (asked & EPOLLOUT ? write_events(t) : 0);
}

uint32_t
tls_events_meant(const struct tls *t, uint32_t asked, uint32_t came)
{
	uint32_t meant = came & (EPOLLERR | EPOLLHUP);

	if (came & read_events(t))
		meant |= asked & EPOLLIN;
	if (came & write_events(t))
		meant |= asked & EPOLLOUT;
	return meant;
}

int
tls_shut(struct tls *t)
{
	int done = 0;

	tls_forget_errors(t);
	t->write_wants = 0;
	/* 0: sent, and the peer's has not come; 1: both */
	if (!t->shut)
		done = openssl_of(t)->SSL_shutdown(t->session);
	if (done < 0) {
		tls_result(t, done);
		t->write_wants = errno == EAGAIN ? EPOLLIN : 0;
		return -1;
	}
	t->shut = true;
	return tls_flush(t);
}

/* Keeps the session for the next handshake, if it is one to resume. */
static void
session_keep(const struct tls *t)
{
	struct tls_context *c = t->context;
	SSL_SESSION *session = c->ssl->SSL_get1_session(t->session);

	if (session && c->ssl->SSL_SESSION_is_resumable(session)) {
		if (c->last)
			c->ssl->SSL_SESSION_free(c->last);
		c->last = session;
	} else if (session) {
		c->ssl->SSL_SESSION_free(session);
	}
}

void
tls_free(struct tls *t)
{
	if (t && t->session && t->shut && t->context->resume)
		session_keep(t);
	if (t && t->session)
		openssl_of(t)->SSL_free(t->session);
	if (t)
		free(t->held);
	free(t);
}
