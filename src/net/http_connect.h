#ifndef NET_HTTP_CONNECT_H
#define NET_HTTP_CONNECT_H

#include "net/proxy_reply.h"

/* HTTP's CONNECT (RFC 9110, section 9.3.6), in buffers. */

enum {
	HTTP_CONNECT_ROOM = 4096,	/* for any request */
	HTTP_HEAD_MAX = 64 * 1024,	/* a longer reply is bad */
};

/*
 * Writes the request for target, "HOST:PORT" of at most 300 bytes, and returns
 * its length. login: "USER:PASSWORD" of at most 511 bytes, or NULL.
 */
size_t http_connect_write(char out[HTTP_CONNECT_ROOM], const char *target,
    const char *login);

/* The code is the status; interim replies (1xx) before it are skipped. */
reply_parser http_connect_read;

#endif
