/*
 * The PROXY header, version 1 (a line) and version 2 (binary).
 *
 *	v1	PROXY TCP4 203.0.113.7 192.0.2.1 4711 443 CR LF
 *		PROXY UNKNOWN [anything] CR LF
 *	v2	12	the signature
 *		1	version (high 4 bits: 2) and command (0 LOCAL, 1 PROXY)
 *		1	family (0 none, 1 IPv4, 2 IPv6, 3 Unix) and protocol
 *			(0 none, 1 stream, 2 datagram)
 *		2	length of the rest, in network byte order
 *		12, 36	two addresses and two ports; or 216: two Unix paths
 *		0...	TLVs: 1 byte type, 2 bytes length, the value
 *
 * A bad header is refused as early as its bytes show that it is bad, but no
 * address is looked at before the header is complete.
 */
#include "net/proxy_header.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
	V2_START = 16,			/* up to the length, with it */
	V2_SIGNATURE = 12,
	V2_VERSION = 0x20,
	V2_LOCAL = 0, V2_PROXY = 1,
	V2_STREAM = 1, V2_DATAGRAM = 2,
	V2_INET = 1, V2_INET6 = 2, V2_UNIX = 3,
	UNIX_PATH = 108,
	TLV_START = 3,
	FIELD_MAX = INET6_ADDRSTRLEN,	/* a v1 address or port, and a 0 */
};

static const char v2_signature[V2_SIGNATURE] = "\r\n\r\n\0\r\nQUIT\n";
static const char v1_signature[] = "PROXY ";

static enum proxy_state
refuse(struct proxy_header *out, const char *why)
{
	*out = (struct proxy_header){ .why = why };
	return PROXY_BAD;
}

/* Whether bytes begin like signature, as far as there are any. */
static bool
begins_like(const char *bytes, size_t length, const char *signature,
    size_t whole)
{
	return memcmp(bytes, signature, length < whole ? length : whole) == 0;
}

/* Copies the word at *at, up to a blank or the end; false: too long. */
static bool
next_field(const char **at, const char *end, char field[static FIELD_MAX])
{
	const char *blank = memchr(*at, ' ', (size_t)(end - *at));
	size_t n = (size_t)((blank ? blank : end) - *at);

	if (n >= FIELD_MAX || memchr(*at, '\0', n))
		return false;
	memcpy(field, *at, n);
	field[n] = '\0';
	*at += n + (blank != NULL);
	return true;
}

static bool
read_port(const char *text, struct addr *a)
{
	unsigned port = 0;
	size_t n = strspn(text, "0123456789");

	if (!n || n > 5 || text[n])
		return false;
	while (*text)
		port = port * 10 + (unsigned)(*text++ - '0');
	addr_set_port(a, (uint16_t)port);
	return port <= UINT16_MAX;
}

static bool
read_address(const char *text, int family, struct addr *a)
{
	void *bytes = family == AF_INET ? (void *)&a->in.sin_addr :
	    (void *)&a->in6.sin6_addr;

	a->len = family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
	a->sa.sa_family = (sa_family_t)family;
	return inet_pton(family, text, bytes) == 1;
}

/* Reads "203.0.113.7 192.0.2.1 4711 443", and nothing behind it. */
static bool
read_addresses(const char *at, const char *end, int family,
    struct proxy_header *out)
{
	char from[FIELD_MAX], to[FIELD_MAX], sport[FIELD_MAX], port[FIELD_MAX];

	return next_field(&at, end, from) && next_field(&at, end, to) &&
	    next_field(&at, end, sport) && next_field(&at, end, port) &&
	    at == end && end[-1] != ' ' &&
	    read_address(from, family, &out->from) &&
	    read_address(to, family, &out->to) &&
	    read_port(sport, &out->from) && read_port(port, &out->to);
}

/* Reads a line from behind "PROXY " to its CRLF, which is at end. */
static enum proxy_state
read_v1_line(const char *at, const char *end, struct proxy_header *out)
{
	char family[FIELD_MAX];

	if (!next_field(&at, end, family))
		return refuse(out, "no protocol after PROXY");
	if (strcmp(family, "UNKNOWN") == 0)
		return PROXY_DONE;
	if (strcmp(family, "TCP4") != 0 && strcmp(family, "TCP6") != 0)
		return refuse(out, "the protocol is not TCP4, TCP6 or UNKNOWN");
	return read_addresses(at, end, family[3] == '4' ? AF_INET : AF_INET6,
	    out) ? PROXY_DONE :
	    refuse(out, "its addresses and ports are malformed");
}

static enum proxy_state
parse_v1(const char *bytes, size_t length, struct proxy_header *out)
{
	size_t known = sizeof(v1_signature) - 1;
	size_t most = length < PROXY_V1_MAX ? length : PROXY_V1_MAX;
	const char *lf = memchr(bytes, '\n', most);

	if (!begins_like(bytes, length, v1_signature, known))
		return refuse(out, "it does not begin with PROXY");
	if (!lf)
		return length < PROXY_V1_MAX ? PROXY_MORE :
		    refuse(out, "the line has no end in 107 bytes");
	if (lf[-1] != '\r')
		return refuse(out, "the line does not end with CR LF");
	out->length = (size_t)(lf - bytes) + 1;
	return read_v1_line(bytes + known, lf - 1, out);
}

static const char *
take_ip(struct addr *a, int family, const char *at)
{
	size_t size = family == AF_INET ? 4 : 16;

	a->len = family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
	a->sa.sa_family = (sa_family_t)family;
	memcpy(family == AF_INET ? (void *)&a->in.sin_addr :
	    (void *)&a->in6.sin6_addr, at, size);
	return at + size;
}

static const char *
take_port(struct addr *a, const char *at)
{
	uint16_t port;

	memcpy(&port, at, sizeof(port));
	addr_set_port(a, ntohs(port));
	return at + sizeof(port);
}

/* A path ends at its 0; an abstract name is padded with zeros, too. */
static const char *
take_path(struct addr *a, const char *at)
{
	size_t n = UNIX_PATH;

	while (n && !at[n - 1])
		n--;
	if (n && at[0])
		n = strnlen(at, n);
	a->sa.sa_family = AF_UNIX;
	memcpy(a->un.sun_path, at, n);
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return at + UNIX_PATH;
}

/* The bytes of the two addresses. */
static size_t
block_length(unsigned family)
{
	static const size_t lengths[] = {
		[V2_INET] = 2 * (4 + 2), [V2_INET6] = 2 * (16 + 2),
		[V2_UNIX] = 2 * UNIX_PATH,
	};

	return lengths[family];
}

static void
take_block(const char *at, unsigned family, struct proxy_header *out)
{
	if (family == V2_UNIX) {
		take_path(&out->to, take_path(&out->from, at));
		return;
	}
	at = take_ip(&out->from, family == V2_INET ? AF_INET : AF_INET6, at);
	at = take_ip(&out->to, out->from.sa.sa_family, at);
	take_port(&out->to, take_port(&out->from, at));
}

static bool
tlvs_fit(const char *at, const char *end)
{
	while (at < end) {
		uint16_t length;

		if (end - at < TLV_START)
			return false;
		memcpy(&length, at + 1, sizeof(length));
		at += TLV_START;
		if (end - at < ntohs(length))
			return false;
		at += ntohs(length);
	}
	return true;
}

/* The length that it says, and the addresses in it. */
static enum proxy_state
parse_v2_rest(const char *bytes, size_t length, unsigned family,
    struct proxy_header *out)
{
	uint16_t rest;
	size_t whole, block;

	memcpy(&rest, bytes + V2_START - sizeof(rest), sizeof(rest));
	whole = V2_START + (size_t)ntohs(rest);
	block = family ? block_length(family) : 0;
	if (whole < V2_START + block)
		return refuse(out, "it is too short for its addresses");
	if (length < whole)
		return PROXY_MORE;
	if (family && !tlvs_fit(bytes + V2_START + block, bytes + whole))
		return refuse(out, "a TLV is longer than the header");
	out->length = whole;
	if (family)
		take_block(bytes + V2_START, family, out);
	return PROXY_DONE;
}

/* LOCAL, or no family or protocol: what follows is skipped, as if family 0. */
static enum proxy_state
parse_v2(const char *bytes, size_t length, struct proxy_header *out)
{
	unsigned command, family, protocol;

	if (!begins_like(bytes, length, v2_signature, V2_SIGNATURE))
		return refuse(out, "its signature is wrong");
	if (length <= V2_SIGNATURE)
		return PROXY_MORE;
	command = (unsigned char)bytes[V2_SIGNATURE] & 0x0f;
	if (((unsigned char)bytes[V2_SIGNATURE] & 0xf0) != V2_VERSION)
		return refuse(out, "its version is neither 1 nor 2");
	if (command > V2_PROXY)
		return refuse(out, "its command is neither LOCAL nor PROXY");
	if (length <= V2_SIGNATURE + 1)
		return PROXY_MORE;
	family = (unsigned char)bytes[V2_SIGNATURE + 1] >> 4;
	protocol = (unsigned char)bytes[V2_SIGNATURE + 1] & 0x0f;
	if (command == V2_PROXY && (family > V2_UNIX || protocol > V2_DATAGRAM))
		return refuse(out, "its address family or protocol is unknown");
	if (length < V2_START)
		return PROXY_MORE;
	out->datagram = protocol == V2_DATAGRAM;
	return parse_v2_rest(bytes, length, command == V2_LOCAL || !protocol ?
	    0 : family, out);
}

enum proxy_state
proxy_header_parse(const void *bytes, size_t length, struct proxy_header *out)
{
	const char *first = bytes;

	memset(out, 0, sizeof(*out));
	if (!length)
		return PROXY_MORE;
	if (*first == *v1_signature)
		return parse_v1(bytes, length, out);
	if (*first == *v2_signature)
		return parse_v2(bytes, length, out);
	return refuse(out, "it begins like neither version 1 nor 2");
}

static size_t
write_v1(const struct addr *from, const struct addr *to, char *out)
{
	char host[INET6_ADDRSTRLEN], peer[INET6_ADDRSTRLEN];
	int family = from->sa.sa_family;
	const void *a = &from->in.sin_addr, *b = &to->in.sin_addr;

	if (family == AF_INET6) {
		a = &from->in6.sin6_addr;
		b = &to->in6.sin6_addr;
	}
	return (size_t)snprintf(out, PROXY_WRITE,
	    "PROXY TCP%c %s %s %u %u\r\n", family == AF_INET ? '4' : '6',
	    inet_ntop(family, a, host, sizeof(host)),
	    inet_ntop(family, b, peer, sizeof(peer)),
	    addr_port(from), addr_port(to));
}

static char *
put(char *at, const void *bytes, size_t length)
{
	memcpy(at, bytes, length);
	return at + length;
}

/* command: V2_LOCAL, which has no addresses, or V2_PROXY. */
static size_t
write_v2(int command, const struct addr *from, const struct addr *to,
    char *out)
{
	bool v4 = from->sa.sa_family == AF_INET;
	unsigned family = v4 ? V2_INET : V2_INET6;
	uint16_t length = htons((uint16_t)block_length(family));
	uint16_t ports[] = { htons(addr_port(from)), htons(addr_port(to)) };
	char *at = put(out, v2_signature, V2_SIGNATURE);

	*at++ = (char)(V2_VERSION | command);
	if (command == V2_LOCAL)
		return (size_t)(put(at, "\0\0", 3) - out);
	*at++ = (char)(family << 4 | V2_STREAM);
	at = put(at, &length, sizeof(length));
	at = v4 ? put(at, &from->in.sin_addr, 4) :
	    put(at, &from->in6.sin6_addr, 16);
	at = v4 ? put(at, &to->in.sin_addr, 4) :
	    put(at, &to->in6.sin6_addr, 16);
	return (size_t)(put(at, ports, sizeof(ports)) - out);
}

static bool
is_ip(const struct addr *a)
{
	return a->sa.sa_family == AF_INET || a->sa.sa_family == AF_INET6;
}

size_t
proxy_header_write(enum proxy_version version, const struct addr *from,
    const struct addr *to, char out[static PROXY_WRITE])
{
	struct addr a = addr_unmapped(from), b = addr_unmapped(to);
	bool known = is_ip(&a) && a.sa.sa_family == b.sa.sa_family;

	if (version == PROXY_V2)
		return write_v2(known ? V2_PROXY : V2_LOCAL, &a, &b, out);
	return known ? write_v1(&a, &b, out) :
	    (size_t)snprintf(out, PROXY_WRITE, "PROXY UNKNOWN\r\n");
}
