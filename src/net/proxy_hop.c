/*
 * URLs of proxies, and the logins that belong to them. The user may see all of
 * a fault, and so may a log: hop_fail() shows no part of a URL that can hold a
 * password. Therefore it also stops at the colon before a port.
 */
#include "net/proxy_hop.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/num.h"

enum { DEFAULT_PORT = 1080 };

static const char *const schemes[] = {
	[PROXY_SOCKS5] = "socks5", [PROXY_SOCKS5H] = "socks5h",
	[PROXY_HTTP] = "http",
};

enum { SCHEMES = sizeof(schemes) / sizeof(*schemes) };

/* Shows no more than the scheme and the host or user: not a password. */
static int
hop_fail(const char *url, const char *why)
{
	const char *scheme = strstr(url, "://");
	size_t shown = scheme ? (size_t)(scheme + 3 - url) : 0;

	shown += strcspn(url + shown, ":");
	return fail_as(STATUS_USAGE, "%.*s%s: %s", (int)(shown < 64 ? shown :
	    64), url, url[shown] ? ":..." : "", why);
}

/* Sets the scheme, and returns what is behind "://", or NULL. */
static const char *
take_scheme(struct proxy_hop *h, const char *url)
{
	const char *end = strstr(url, "://");
	size_t length = end ? (size_t)(end - url) : 0;

	for (int i = 0; i < SCHEMES; i++)
		if (length == strlen(schemes[i]) &&
		    memcmp(url, schemes[i], length) == 0) {
			h->scheme = (enum proxy_scheme)i;
			return end + 3;
		}
	hop_fail(url, "want socks5://, socks5h:// or http:// and HOST:PORT");
	return NULL;
}

/* Decodes %XX; -1: it is malformed, too long, or has a NUL. */
static int
percent_decode(const char *text, size_t length, char out[SOCKS5_TEXT + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		char hex[3] = "";
		int byte = (unsigned char)text[i];

		if (byte == '%') {
			if (length - i < 3 ||
			    !isxdigit((unsigned char)text[i + 1]) ||
			    !isxdigit((unsigned char)text[i + 2]))
				return -1;
			memcpy(hex, text + i + 1, 2);
			byte = (int)strtol(hex, NULL, 16);
			i += 2;
		}
		if (!byte || n == SOCKS5_TEXT)
			return -1;
		out[n++] = (char)byte;
	}
	out[n] = '\0';
	return 0;
}

static int
take_login(struct proxy_hop *h, const char *url, const char *text,
    size_t length)
{
	const char *colon = memchr(text, ':', length);
	size_t user = colon ? (size_t)(colon - text) : length;

	if (!user || percent_decode(text, user, h->user) < 0 || (colon &&
	    percent_decode(colon + 1, length - user - 1, h->password) < 0))
		return hop_fail(url, "its user and password are malformed");
	if (h->scheme == PROXY_HTTP && strchr(h->user, ':'))
		return hop_fail(url, "HTTP allows no ':' in a user");
	h->login = true;
	return 0;
}

/* Whether it is [V6], or has neither brackets nor colons. */
static bool
is_host(const char *text, size_t length)
{
	if (length && *text == '[')
		return length > 2 && text[length - 1] == ']';
	return length && !memchr(text, ':', length) &&
	    !memchr(text, ']', length);
}

/* HOST, HOST:PORT, [V6] or [V6]:PORT, of this length. */
static int
take_address(struct proxy_hop *h, const char *url, const char *text,
    size_t length)
{
	const char *behind = memrchr(text, ']', length);
	const char *colon = memrchr(behind ? behind : text, ':',
	    length - (size_t)(behind ? behind - text : 0));
	size_t host = colon ? (size_t)(colon - text) : length;
	char name[sizeof(h->endpoint.host) + 2], port[8] = "";
	char *words[] = { name, port };
	int64_t number = DEFAULT_PORT;

	if (host >= sizeof(name) || !is_host(text, host))
		return hop_fail(url, "want HOST:PORT, or [V6]:PORT");
	if (colon) {
		snprintf(port, sizeof(port), "%.*s", (int)(length - host) - 1,
		    colon + 1);
		if (length - host > 6 || num_parse(port, 1, 65535, &number) < 0)
			return hop_fail(url, "its port must be 1 to 65535");
	}
	snprintf(port, sizeof(port), "%d", (int)number);
	snprintf(name, sizeof(name), "%.*s", (int)host, text);
	return endpoint_parse(&h->endpoint, 2, words);
}

int
proxy_hop_parse(struct proxy_hop *h, const char *url)
{
	char address[ENDPOINT_TEXT];
	const char *rest, *at;
	size_t length;

	memset(h, 0, sizeof(*h));
	rest = take_scheme(h, url);
	if (!rest)
		return -1;
	length = strlen(rest);
	if (length && rest[length - 1] == '/')
		length--;
	at = memrchr(rest, '@', length);
	if (at) {
		if (take_login(h, url, rest, (size_t)(at - rest)) < 0)
			return -1;
		length -= (size_t)(at + 1 - rest);
		rest = at + 1;
	}
	if (strcspn(rest, "/?#") < length)
		return hop_fail(url, "a proxy's URL ends with its port");
	if (take_address(h, url, rest, length) < 0)
		return -1;
	snprintf(h->name, sizeof(h->name), "%s://%s", schemes[h->scheme],
	    endpoint_text(&h->endpoint, address));
	return 0;
}

int
proxy_hop_set_login(struct proxy_hop *h, const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length);
	size_t user = colon ? (size_t)(colon - text) : 0;

	if (!user || user > SOCKS5_TEXT || length - user - 1 > SOCKS5_TEXT ||
	    memchr(text, '\0', length))
		return fail_as(STATUS_USAGE, "want USER:PASSWORD, each of at "
		    "most %d bytes", SOCKS5_TEXT);
	memcpy(h->user, text, user);
	h->user[user] = '\0';
	memcpy(h->password, colon + 1, length - user - 1);
	h->password[length - user - 1] = '\0';
	h->login = true;
	return 0;
}

int
proxy_hop_fault(const struct proxy_hop *h)
{
	char prefix[sizeof(h->name) + 16];

	snprintf(prefix, sizeof(prefix), "proxy %s:", h->name);
	return fail_option(prefix);
}
