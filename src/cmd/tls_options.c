/*
 * The options of TLS: each names a file or a text that tls/context.h reads, and
 * a fault gets the option's name here.
 */
#include "cmd/tls_options.h"

#include "base/fail.h"

static int
take_certificate(const struct settings *s, struct tls_context *c)
{
	const char *key = s->tls_key ? s->tls_key : s->tls_cert;

	if (!s->tls_cert)
		return c->server && tls_context_make_certificate(c) < 0 ?
		    fail_option("--tls:") : 0;
	if (tls_context_certificate(c, s->tls_cert) < 0)
		return fail_option("--tls-cert");
	if (tls_context_key(c, key) < 0)
		return fail_option(s->tls_key ? "--tls-key" :
		    "--tls-cert (and no --tls-key)");
	return 0;
}

static int
take_trust(const struct settings *s, struct tls_context *c)
{
	c->insecure = s->tls_insecure;
	if (s->tls_pin && tls_context_pin(c, s->tls_pin) < 0)
		return fail_option("--tls-pin");
	return tls_context_trust(c, s->tls_ca) < 0 ? fail_option("--tls-ca") :
	    0;
}

static int
tls_options(const struct settings *s, bool server, struct tls_context *c)
{
	c->ssl = NULL;
	if (!s->tls)
		return 0;
	if (tls_context_open(c, server) < 0)
		return fail_option("--tls:");
	if (s->tls_lax_eof)
		tls_context_lax_eof(c);
	if (take_certificate(s, c) < 0 || take_trust(s, c) < 0)
		return -1;
	return s->tls_alpn && tls_context_alpn(c, s->tls_alpn) < 0 ?
	    fail_option("--tls-alpn") : 0;
}

int
tls_options_server(const struct settings *s, struct tls_context *c)
{
	return tls_options(s, true, c);
}

int
tls_options_client(const struct settings *s, struct tls_context *c)
{
	return tls_options(s, false, c);
}

int
tls_options_name(const struct settings *s, const struct endpoint *server,
    const char **name)
{
	*name = s->tls_name;
	if (*name || !s->tls)
		return 0;
	if (!server->local)
		*name = server->host[0] ? server->host : "localhost";
	else if (!s->tls_pin && !s->tls_insecure)
		return fail_as(STATUS_USAGE, "--tls on a Unix socket: say by "
		    "--tls-name which name to expect, or by --tls-pin which "
		    "key");
	return 0;
}
