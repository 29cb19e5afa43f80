/*
 * The context of TLS. A client trusts a certificate by a chain to a known
 * authority and by its name, or by its pin alone. A server asks for clients'
 * certificates only if it has a file of authorities, or a pin. TLS 1.2 is the
 * oldest version; the rest is OpenSSL's policy.
 */
#include "tls/context.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "tls/identity.h"
#include "tls/openssl.h"

enum { READ_BUFFER = 64 * 1024 };	/* one read(2): several records */

/*
 * Why OpenSSL refused a file that should have `what`: in its own words, unless
 * they only name a library of it.
 */
static int
file_fault(const struct openssl *ssl, const char *file, const char *what)
{
	unsigned long error = ssl->ERR_peek_last_error();
	const char *reason = ssl->ERR_reason_error_string(error);

	if (!reason || ERR_COMMON_ERROR(error))
		return fail_as(STATUS_USAGE, "%s: no %s in PEM is in it, or a "
		    "damaged one", file, what);
	return fail_as(STATUS_USAGE, "%s: %s", file, reason);
}

/*
 * Without this OpenSSL asks for the password on the terminal, or reads it from
 * standard input.
 */
static int
on_password(char *room, int size, int writing, void *user)
{
	struct tls_context *c = user;

	(void)room, (void)size, (void)writing;
	c->locked = true;
	return -1;
}

/* OpenSSL has no words for a file that can't be opened. */
static int
file_check(const struct openssl *ssl, const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	ssl->ERR_clear_error();
	if (fd < 0)
		return fail_as(STATUS_USAGE, "%s: %s", file, strerror(errno));
	return close(fd);
}

int
tls_context_certificate(struct tls_context *c, const char *file)
{
	const struct openssl *ssl = c->ssl;

	if (file_check(ssl, file) < 0)
		return -1;
	return ssl->SSL_CTX_use_certificate_chain_file(c->context, file) ? 0 :
	    file_fault(ssl, file, "certificate");
}

int
tls_context_key(struct tls_context *c, const char *file)
{
	const struct openssl *ssl = c->ssl;

	if (file_check(ssl, file) < 0)
		return -1;
	if (ssl->SSL_CTX_use_PrivateKey_file(c->context, file,
	    SSL_FILETYPE_PEM))
		return 0;
	if (c->locked)
		return fail_as(STATUS_USAGE, "%s: the key has a password; "
		    "'openssl pkey' writes one without", file);
	return file_fault(ssl, file, "private key");
}

int
tls_context_make_certificate(struct tls_context *c)
{
	c->made = true;
	return identity_make(c->ssl, c->context, &c->own);
}

/*
 * Keeps the pin of the peer's certificate, for the message if it is not
 * trusted. A server with a pin and no authorities takes any certificate:
 * tls_handshake() compares the pin.
 */
static int
on_certificate(X509_STORE_CTX *store, void *user)
{
	struct tls_context *c = user;
	const struct openssl *ssl = c->ssl;
	X509 *peer = ssl->X509_STORE_CTX_get0_cert(store);

	c->has_seen = peer && pin_of(ssl, peer, &c->seen) == 0;
	return c->server && !c->authorities ? 1 : ssl->X509_verify_cert(store);
}

static int
trust_file(struct tls_context *c, const char *file)
{
	const struct openssl *ssl = c->ssl;

	if (file_check(ssl, file) < 0)
		return -1;
	if (!ssl->SSL_CTX_load_verify_locations(c->context, file, NULL))
		return file_fault(ssl, file, "certificate");
	if (c->server)
		ssl->SSL_CTX_set_client_CA_list(c->context,
		    ssl->SSL_load_client_CA_file(file));
	return 0;
}

int
tls_context_trust(struct tls_context *c, const char *file)
{
	const struct openssl *ssl = c->ssl;
	int mode = SSL_VERIFY_NONE;

	if (file && trust_file(c, file) < 0)
		return -1;
	c->authorities = file;
	if (!file && !c->server)
		ssl->SSL_CTX_set_default_verify_paths(c->context);
	if (c->server && (file || c->pinned))
		mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	else if (!c->server && !c->insecure && (file || !c->pinned))
		mode = SSL_VERIFY_PEER;
	ssl->SSL_CTX_set_verify(c->context, mode, NULL);
	ssl->SSL_CTX_set_cert_verify_callback(c->context, on_certificate, c);
	return 0;
}

int
tls_context_pin(struct tls_context *c, const char *text)
{
	c->pinned = true;
	return pin_read(&c->pin, text);
}

/* "h2,http/1.1" becomes length and name, length and name (RFC 7301, 3.1). */
static int
alpn_read(struct tls_context *c, const char *text)
{
	unsigned char *at = c->alpn;

	for (const char *name = text, *end; name; name = *end ? end + 1 : NULL) {
		size_t length = strcspn(name, ",");

		end = name + length;
		if (!length || length > UCHAR_MAX || length + 1 >
		    sizeof(c->alpn) - (size_t)(at - c->alpn))
			return fail_as(STATUS_USAGE, "%.64s: want names with "
			    "commas between, 255 bytes in all", text);
		*at++ = (unsigned char)length;
		memcpy(at, name, length);
		at += length;
	}
	c->alpn_length = (unsigned)(at - c->alpn);
	return 0;
}

/* The server's order decides. No common name ends the handshake (3.2). */
static int
on_alpn(SSL *session, const unsigned char **out, unsigned char *length,
    const unsigned char *in, unsigned in_length, void *user)
{
	const struct tls_context *c = user;
	unsigned char *chosen;

	(void)session;
	if (c->ssl->SSL_select_next_proto(&chosen, length, c->alpn,
	    c->alpn_length, in, in_length) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

int
tls_context_alpn(struct tls_context *c, const char *names)
{
	if (alpn_read(c, names) < 0)
		return -1;
	if (c->server)
		c->ssl->SSL_CTX_set_alpn_select_cb(c->context, on_alpn, c);
	else
		c->ssl->SSL_CTX_set_alpn_protos(c->context, c->alpn,
		    c->alpn_length);
	return 0;
}

/* Adds the keys of a session to the file SSLKEYLOGFILE, for Wireshark. */
static void
on_session_keys(const SSL *session, const char *line)
{
	const char *file = secure_getenv("SSLKEYLOGFILE");
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	(void)session;
	if (fd < 0)
		return;
	dprintf(fd, "%s\n", line);
	close(fd);
}

static void
context_fill(struct tls_context *c)
{
	const struct openssl *ssl = c->ssl;
	const char *keys = secure_getenv("SSLKEYLOGFILE");

	ssl->SSL_CTX_ctrl(c->context, SSL_CTRL_SET_MIN_PROTO_VERSION,
	    TLS1_2_VERSION, NULL);
	ssl->SSL_CTX_ctrl(c->context, SSL_CTRL_MODE,
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	    SSL_MODE_RELEASE_BUFFERS, NULL);
	ssl->SSL_CTX_ctrl(c->context, SSL_CTRL_SET_READ_AHEAD, 1, NULL);
	ssl->SSL_CTX_set_default_passwd_cb(c->context, on_password);
	ssl->SSL_CTX_set_default_passwd_cb_userdata(c->context, c);
	ssl->SSL_CTX_set_default_read_buffer_len(c->context, READ_BUFFER);
	ssl->SSL_CTX_set_options(c->context, SSL_OP_NO_RENEGOTIATION);
	if (keys && *keys)
		ssl->SSL_CTX_set_keylog_callback(c->context, on_session_keys);
	if (c->server)
		ssl->SSL_CTX_set_session_id_context(c->context,
		    (const unsigned char *)"rpnc", 4);
}

int
tls_context_open(struct tls_context *c, bool server)
{
	*c = (struct tls_context){ .server = server, .ssl = openssl_load() };
	if (!c->ssl)
		return -1;
	c->context = c->ssl->SSL_CTX_new(server ?
	    c->ssl->TLS_server_method() : c->ssl->TLS_client_method());
	if (!c->context)
		return fail_as(STATUS_NETWORK, "OpenSSL can't start");
	context_fill(c);
	return 0;
}

void
tls_context_lax_eof(struct tls_context *c)
{
	c->ssl->SSL_CTX_set_options(c->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
}

void
tls_context_close(struct tls_context *c)
{
	if (c->last)
		c->ssl->SSL_SESSION_free(c->last);
	c->last = NULL;
	if (c->context)
		c->ssl->SSL_CTX_free(c->context);
	c->context = NULL;
	c->ssl = NULL;
}
