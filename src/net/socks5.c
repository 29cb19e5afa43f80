/*
 * SOCKS5 (RFC 1928), with the login of RFC 1929: what a client writes, and what
 * a proxy may answer.
 *
 *	client				proxy
 *	5 COUNT METHOD...		5 METHOD
 *	1 LENGTH USER LENGTH PASSWORD	1 STATUS	only for METHOD 2
 *	5 1 0 TYPE ADDRESS PORT		5 ERROR 0 TYPE ADDRESS PORT
 */
#include "net/socks5.h"

#include <string.h>

enum { VERSION = 5, LOGIN_VERSION = 1, COMMAND_CONNECT = 1 };
enum { TYPE_IPV4 = 1, TYPE_NAME = 3, TYPE_IPV6 = 4 };
enum { HEAD = 4, PORT = 2 };	/* bytes before and behind the address */

static struct reply
reply_more(size_t least)
{
	return (struct reply){ .state = REPLY_MORE, .length = least };
}

static struct reply
reply_bad(const char *why)
{
	return (struct reply){ .state = REPLY_BAD, .why = why };
}

static struct reply
reply_done(size_t length, int code)
{
	return (struct reply){ .state = REPLY_DONE, .length = length,
	    .code = code };
}

size_t
socks5_write_methods(uint8_t out[SOCKS5_ROOM], bool login)
{
	out[0] = VERSION;
	out[1] = login ? 2 : 1;
	out[2] = SOCKS5_NO_LOGIN;
	out[3] = SOCKS5_LOGIN;
	return login ? 4 : 3;
}

/* Writes a text behind its length; returns the place behind it. */
static uint8_t *
put_text(uint8_t *at, const char *text)
{
	size_t length = strnlen(text, SOCKS5_TEXT);

	*at = (uint8_t)length;
	memcpy(at + 1, text, length);
	return at + 1 + length;
}

size_t
socks5_write_login(uint8_t out[SOCKS5_ROOM], const char *user,
    const char *password)
{
	out[0] = LOGIN_VERSION;
	return (size_t)(put_text(put_text(out + 1, user), password) - out);
}

/* Writes the head, the address as put by the caller, and the port. */
static size_t
finish_connect(uint8_t out[SOCKS5_ROOM], uint8_t type, uint8_t *end,
    uint16_t port)
{
	out[0] = VERSION;
	out[1] = COMMAND_CONNECT;
	out[2] = 0;
	out[3] = type;
	end[0] = (uint8_t)(port >> 8);
	end[1] = (uint8_t)port;
	return (size_t)(end - out) + PORT;
}

size_t
socks5_write_connect(uint8_t out[SOCKS5_ROOM], const struct addr *a)
{
	bool v6 = a->sa.sa_family == AF_INET6;
	size_t size = v6 ? sizeof(a->in6.sin6_addr) : sizeof(a->in.sin_addr);

	memcpy(out + HEAD, v6 ? (const void *)&a->in6.sin6_addr :
	    &a->in.sin_addr, size);
	return finish_connect(out, v6 ? TYPE_IPV6 : TYPE_IPV4,
	    out + HEAD + size, addr_port(a));
}

size_t
socks5_write_connect_name(uint8_t out[SOCKS5_ROOM],
    const struct endpoint *e)
{
	return finish_connect(out, TYPE_NAME, put_text(out + HEAD,
	    e->host[0] ? e->host : "localhost"), e->port);
}

/* The two bytes that begin or are each reply; done: the code is the second. */
static struct reply
read_pair(const uint8_t *b, size_t length)
{
	if (length && b[0] != VERSION)
		return reply_bad("the reply is not SOCKS5");
	return length < 2 ? reply_more(2) : reply_done(2, b[1]);
}

struct reply
socks5_read_method(const void *data, size_t length)
{
	return read_pair(data, length);
}

/* Some proxies write SOCKS's version, not the login's. */
struct reply
socks5_read_login(const void *data, size_t length)
{
	const uint8_t *b = data;

	if (length && b[0] != LOGIN_VERSION && b[0] != VERSION)
		return reply_bad("the reply to the login is not SOCKS5");
	return length < 2 ? reply_more(2) : reply_done(2, b[1]);
}

struct reply
socks5_read_connect(const void *data, size_t length)
{
	const uint8_t *b = data;
	struct reply r = read_pair(data, length);
	size_t size;

	if (r.state != REPLY_DONE || r.code)
		return r;
	/* the shortest address is an empty name: its length alone */
	if (length < HEAD)
		return reply_more(HEAD + 1 + PORT);
	if (b[3] == TYPE_NAME && length == HEAD)
		return reply_more(HEAD + 1 + PORT);
	if (b[3] == TYPE_NAME)
		size = 1 + (size_t)b[4];
	else if (b[3] == TYPE_IPV4 || b[3] == TYPE_IPV6)
		size = b[3] == TYPE_IPV4 ? 4 : 16;
	else
		return reply_bad("the reply has an address of unknown type");
	size += HEAD + PORT;
	return length < size ? reply_more(size) : reply_done(size, 0);
}

const char *
socks5_error(int code)
{
	static const char *const words[] = {
		"succeeded", "general SOCKS server failure",
		"connection not allowed by ruleset", "network unreachable",
		"host unreachable", "connection refused", "TTL expired",
		"command not supported", "address type not supported",
	};

	return code >= 0 && code < (int)(sizeof(words) / sizeof(*words)) ?
	    words[code] : "unknown error";
}
