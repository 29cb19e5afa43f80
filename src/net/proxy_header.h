#ifndef NET_PROXY_HEADER_H
#define NET_PROXY_HEADER_H

#include "net/addr.h"

/*
 * The header of the PROXY protocol (HAProxy's proxy-protocol.txt): a proxy
 * sends it before all other bytes, and so tells where its client comes from.
 * These functions are pure: they do no I/O.
 */

enum proxy_version { PROXY_NONE, PROXY_V1, PROXY_V2 };

enum {
	PROXY_V1_MAX = 107,		/* bytes of a line, with its CRLF */
	PROXY_V2_MAX = 16 + 65535,
	PROXY_WRITE = PROXY_V1_MAX,	/* room that is always enough */
};

enum proxy_state { PROXY_MORE, PROXY_DONE, PROXY_BAD };

struct proxy_header {
	size_t length;			/* payload begins behind it */
	/* len 0: UNKNOWN or LOCAL, so the connection's own addresses count */
	struct addr from, to;
	bool datagram;			/* the client's protocol: UDP */
	const char *why;		/* PROXY_BAD: a static text */
};

/*
 * Reads the header at the start of bytes. PROXY_MORE: it may go on, and all of
 * bytes belongs to it. Sets all of *out, but only PROXY_DONE sets its length.
 */
enum proxy_state proxy_header_parse(const void *bytes, size_t length,
    struct proxy_header *out);

/*
 * Writes a header; returns its length. Addresses that are not both IPv4 or both
 * IPv6 give UNKNOWN (v1) or LOCAL (v2).
 */
size_t proxy_header_write(enum proxy_version, const struct addr *from,
    const struct addr *to, char out[static PROXY_WRITE]);

#endif
