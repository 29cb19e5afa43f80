/*
 * Addresses, as the user types them (struct endpoint), as the kernel uses them
 * (struct addr), and as people read them. resolve.c and lookup.c look names up.
 */
#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "base/fail.h"
#include "base/num.h"
#include "net/interface.h"

/* A port number or a service name; 0, or -1 with a usage fault. */
static int
port_parse(struct endpoint *e, const char *text)
{
	struct servent service, *found = NULL;
	char room[1024];
	int64_t number;

	if (num_parse(text, 0, 65535, &number) == 0) {
		e->port = (uint16_t)number;
		return 0;
	}
	if (!*text)
		return fail_as(STATUS_USAGE, "the port is empty");
	if (strspn(text, "-0123456789") == strlen(text))
		return fail_as(STATUS_USAGE, "port %.64s: want 0 to 65535", text);
	getservbyname_r(text, e->datagram ? "udp" : "tcp", &service, room,
	    sizeof(room), &found);
	if (!found)
		return fail_as(STATUS_USAGE, "'%.64s' is neither a port "
		    "number nor a known service: say HOST PORT", text);
	e->port = ntohs((uint16_t)found->s_port);
	return 0;
}

static int
host_set(struct endpoint *e, const char *host, size_t length)
{
	struct in6_addr in6;
	struct in_addr in;

	if (!length)
		return fail_as(STATUS_USAGE, "the host is empty");
	if (length >= sizeof(e->host))
		return fail_as(STATUS_USAGE, "the host name is too long");
	memcpy(e->host, host, length);
	e->host[length] = '\0';
	if (e->family == AF_INET && strchr(e->host, ':'))
		return fail_as(STATUS_USAGE, "%s is an IPv6 address: -4 can't "
		    "reach it", e->host);
	if (e->family == AF_INET6 && inet_pton(AF_INET, e->host, &in) == 1)
		return fail_as(STATUS_USAGE, "%s is an IPv4 address: -6 can't "
		    "reach it", e->host);
	/* SRC@GROUP is judged where it is split */
	if (strchr(e->host, ':') && !strpbrk(e->host, "%@") &&
	    inet_pton(AF_INET6, e->host, &in6) != 1)
		return fail_as(STATUS_USAGE, "%.64s is not an IPv6 address",
		    e->host);
	return 0;
}

static int
endpoint_set_path(struct endpoint *e, const char *path)
{
	struct sockaddr_un un;

	if (!path[*path == '@'])
		return fail_as(STATUS_USAGE, "the Unix socket's %s is empty",
		    *path == '@' ? "name" : "path");
	if (strlen(path) >= sizeof(un.sun_path))
		return fail_as(STATUS_USAGE, "the Unix socket's path has %zu "
		    "bytes: at most %zu are allowed", strlen(path),
		    sizeof(un.sun_path) - 1);
	if (e->family != AF_UNSPEC)
		return fail_as(STATUS_USAGE, "-4 and -6 mean nothing for a "
		    "Unix socket");
	e->local = true;
	e->path = path;
	return 0;
}

/* Whether a word begins like an IPv6 address, up to an interface or a group. */
static bool
is_like_ipv6(const char *word)
{
	char end = word[strspn(word, "0123456789abcdefABCDEF:.")];

	return *word == '[' || end == '\0' || end == '%' || end == '@';
}

/* HOST:PORT, [V6]:PORT or PORT. */
static int
lone_parse(struct endpoint *e, const char *word)
{
	const char *colon = strrchr(word, ':'), *host = word;

	if (!colon)
		return port_parse(e, word);
	if (*word == '[' && colon > word && colon[-1] == ']')
		return host_set(e, word + 1, (size_t)(colon - word) - 2) < 0 ?
		    -1 : port_parse(e, colon + 1);
	if (*word == '[' || strchr(host, ':') != colon)
		return fail_as(STATUS_USAGE, is_like_ipv6(word) ? "%.64s: an "
		    "IPv6 address and port are written [ADDRESS]:PORT or "
		    "ADDRESS PORT" : "%.64s: want HOST:PORT, or HOST PORT",
		    word);
	if (host_set(e, host, (size_t)(colon - host)) < 0)
		return -1;
	return port_parse(e, colon + 1);
}

bool
addr_of_url(const char *word, char text[static URL_TEXT])
{
	const char *host = strstr(word, "://"), *colon, *user;
	struct endpoint service = { 0 };
	char scheme[16];
	size_t length;

	if (!host)
		return false;
	snprintf(scheme, sizeof(scheme), "%.*s", (int)(host - word), word);
	host += strlen("://");
	length = strcspn(host, "/?#");
	user = memrchr(host, '@', length);
	if (user) {
		length -= (size_t)(user + 1 - host);
		host = user + 1;
	}
	colon = memrchr(host, ':', length);
	if (!length || colon == host)
		snprintf(text, URL_TEXT, "HOST PORT");
	else if (colon && !memchr(colon, ']', length - (size_t)(colon - host)))
		snprintf(text, URL_TEXT, "%.*s %.*s", (int)(colon - host), host,
		    (int)(length - (size_t)(colon - host)) - 1, colon + 1);
	else if (port_parse(&service, scheme) == 0)
		snprintf(text, URL_TEXT, "%.*s %d", (int)length, host,
		    service.port);
	else
		snprintf(text, URL_TEXT, "%.*s PORT", (int)length, host);
	return true;
}

/* HOST PORT. */
static int
pair_parse(struct endpoint *e, const char *host, const char *port)
{
	const char *colon = strchr(host, ':');
	size_t length = strlen(host);

	if (colon && (*host == '[' ? strstr(host, "]:") != NULL :
	    !strchr(colon + 1, ':')))
		return fail_as(STATUS_USAGE, "%.64s has a port already: "
		    "'%.64s' is too much", host, port);
	if (length > 2 && *host == '[' && host[length - 1] == ']')
		host++, length -= 2;
	if (host_set(e, host, length) < 0)
		return -1;
	return port_parse(e, port);
}

int
endpoint_parse(struct endpoint *e, int count, char *const *words)
{
	const char *host = words[0];
	char said[URL_TEXT];

	if (e->local)
		return count == 1 ? endpoint_set_path(e, host) :
		    fail_as(STATUS_USAGE, "a Unix socket wants one "
		    "path, nothing else");
	if (count == 0)
		return fail_as(STATUS_USAGE, "which port?");
	if (count > 2)
		return fail_as(STATUS_USAGE, "too many words: %.64s", words[2]);
	if (strncmp(host, "unix:", 5) == 0)
		return count == 1 ? endpoint_set_path(e, host + 5) :
		    fail_as(STATUS_USAGE, "a Unix socket has no port");
	if (addr_of_url(host, said))
		return fail_as(STATUS_USAGE, "%.64s: a URL; say host and port: "
		    "%s", host, said);
	return count == 1 ? lone_parse(e, host) :
	    pair_parse(e, host, words[1]);
}

int
addr_unix(struct addr *a, const char *path)
{
	size_t length = strlen(path);

	memset(a, 0, sizeof(*a));
	if (length >= sizeof(a->un.sun_path))
		return fail_as(STATUS_USAGE, "%.32s...: path too long", path);
	a->un.sun_family = AF_UNIX;
	memcpy(a->un.sun_path, path, length);
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (*path == '@')
		a->un.sun_path[0] = '\0';
	else
		a->len++;
	return 1;
}

int
addr_list_add(struct addr_list *list, const struct addr *a)
{
	if (list->count == list->room) {
		int room = list->room ? list->room * 2 : 8;
		struct addr *at = realloc(list->at, (size_t)room *
		    sizeof(*at));

		if (!at)
			return fail("addresses");
		list->at = at;
		list->room = room;
	}
	list->at[list->count++] = *a;
	return 0;
}

void
addr_list_free(struct addr_list *list)
{
	free(list->at);
	*list = (struct addr_list){ 0 };
}

static bool
is_localhost(const struct endpoint *e)
{
	return !e->host[0] || (!e->numeric &&
	    strcasecmp(e->host, "localhost") == 0);
}

bool
endpoint_is_literal(const struct endpoint *e)
{
	struct in_addr in;

	return strchr(e->host, ':') || inet_pton(AF_INET, e->host, &in) == 1;
}

bool
endpoint_is_known(const struct endpoint *e, int flags)
{
	return e->local || e->numeric || !e->host[0] ||
	    endpoint_is_literal(e) ||
	    (!(flags & AI_PASSIVE) && is_localhost(e));
}

const char *
endpoint_text(const struct endpoint *e, char text[static ENDPOINT_TEXT])
{
	snprintf(text, ENDPOINT_TEXT, strchr(e->host, ':') ? "[%s]:%u" :
	    "%s:%u", e->host[0] ? e->host : "localhost", e->port);
	return text;
}

int
addr_ask(const struct endpoint *e, int family, int flags,
    struct addr_list *out)
{
	struct addrinfo hints = {
		.ai_family = family,
		.ai_socktype = e->datagram ? SOCK_DGRAM : SOCK_STREAM,
		.ai_flags = flags | AI_NUMERICSERV,
	}, *found = NULL;
	bool local = !(flags & AI_PASSIVE) && is_localhost(e);
	char port[8];
	int code;

	if (endpoint_is_known(e, flags))
		hints.ai_flags |= AI_NUMERICHOST;
	snprintf(port, sizeof(port), "%u", e->port);
	code = getaddrinfo(local || !e->host[0] ? NULL : e->host, port, &hints,
	    &found);
	for (struct addrinfo *i = found; i; i = i->ai_next) {
		struct addr a = { .len = i->ai_addrlen };

		memcpy(&a.sa, i->ai_addr, i->ai_addrlen);
		if (addr_list_add(out, &a) < 0)
			code = EAI_MEMORY;
	}
	if (found)
		freeaddrinfo(found);
	return code;
}

/* For a path that fills sun_path the kernel counts a 0 behind it (unix(7)). */
void
addr_trim(struct addr *a)
{
	if (a->len > sizeof(a->un))
		a->len = sizeof(a->un);
}

uint16_t
addr_port(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return ntohs(a->in.sin_port);
	return a->sa.sa_family == AF_INET6 ? ntohs(a->in6.sin6_port) : 0;
}

void
addr_set_port(struct addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET)
		a->in.sin_port = htons(port);
	else if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_port == b->in.sin_port &&
		    a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	if (a->sa.sa_family == AF_INET6)
		return a->in6.sin6_port == b->in6.sin6_port &&
		    a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
		    memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
	return a->len == b->len && memcmp(&a->un, &b->un, a->len) == 0;
}

bool
addr_is_wildcard(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == INADDR_ANY;
	return a->sa.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

struct addr
addr_unmapped(const struct addr *a)
{
	struct addr out = { .len = sizeof(out.in), .in = {
		.sin_family = AF_INET, .sin_port = a->in6.sin6_port,
	} };

	if (a->sa.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		return *a;
	memcpy(&out.in.sin_addr, a->in6.sin6_addr.s6_addr + 12, 4);
	return out;
}

bool
addr_is_loopback(const struct addr *a)
{
	struct addr plain = addr_unmapped(a);

	if (plain.sa.sa_family == AF_INET)
		return ntohl(plain.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (plain.sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&plain.in6.sin6_addr);
	return plain.sa.sa_family == AF_UNIX;
}

static const char *
unix_text(const struct addr *a, char text[static ADDR_TEXT])
{
	size_t head = offsetof(struct sockaddr_un, sun_path);
	size_t length = a->len > head ? a->len - head : 0;
	const char *path = a->un.sun_path;
	char safe[sizeof(a->un.sun_path) * ESCAPE_MAX + 1];
	bool abstract = length && !path[0];

	if (!abstract)
		length = strnlen(path, length);
	escape(path + abstract, length - abstract, false, safe);
	snprintf(text, ADDR_TEXT, "unix:%s%.*s", abstract ? "@" : "",
	    ADDR_TEXT - 8, length ? safe : "(unnamed)");
	return text;
}

/* "fe80::1%eth0". glibc would open a socket to find the interface's name. */
static const char *
scoped_text(const struct addr *a, char text[static ADDR_TEXT])
{
	char name[IF_NAMESIZE];
	size_t used;

	inet_ntop(AF_INET6, &a->in6.sin6_addr, text, ADDR_TEXT);
	used = strlen(text);
	if (interface_name(a->in6.sin6_scope_id, name))
		snprintf(text + used, ADDR_TEXT - used, "%%%s", name);
	else
		snprintf(text + used, ADDR_TEXT - used, "%%%u",
		    a->in6.sin6_scope_id);
	return text;
}

const char *
addr_host(const struct addr *a, char text[static ADDR_TEXT])
{
	if (a->sa.sa_family == AF_UNIX)
		return unix_text(a, text);
	if (a->sa.sa_family == AF_INET6 && a->len && a->in6.sin6_scope_id)
		return scoped_text(a, text);
	if (!a->len || getnameinfo(&a->sa, a->len, text, ADDR_TEXT, NULL, 0,
	    NI_NUMERICHOST) != 0)
		snprintf(text, ADDR_TEXT, "?");
	return text;
}

const char *
addr_text(const struct addr *a, char text[static ADDR_TEXT])
{
	char host[ADDR_TEXT];

	if (a->sa.sa_family == AF_UNIX)
		return unix_text(a, text);
	addr_host(a, host);
	snprintf(text, ADDR_TEXT, strchr(host, ':') ? "[%.100s]:%u" :
	    "%.100s:%u", host, addr_port(a));
	return text;
}

const char *
addr_text_by(const struct addr *a, const struct addr *proxy,
    char text[static ADDR_BY_TEXT])
{
	char by[ADDR_TEXT];

	addr_text(a, text);
	if (proxy)
		snprintf(text + strlen(text), ADDR_TEXT + 8, " (by %s)",
		    addr_text(proxy, by));
	return text;
}
