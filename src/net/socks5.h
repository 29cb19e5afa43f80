#ifndef NET_SOCKS5_H
#define NET_SOCKS5_H

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/proxy_reply.h"

/*
 * The messages of a SOCKS5 client (RFC 1928), and of its login with user and
 * password (RFC 1929), in buffers. The writers return the length.
 */

enum {
	SOCKS5_TEXT = 255,	/* the longest name, user or password */
	SOCKS5_ROOM = 3 + 2 * SOCKS5_TEXT,	/* the longest message */
	SOCKS5_NO_LOGIN = 0, SOCKS5_LOGIN = 2,	/* methods */
	SOCKS5_NO_METHOD = 255,
};

/* Offers to go without a login, or also the one with user and password. */
size_t socks5_write_methods(uint8_t out[SOCKS5_ROOM], bool login);
/* Both texts have at most SOCKS5_TEXT bytes. */
size_t socks5_write_login(uint8_t out[SOCKS5_ROOM], const char *user,
    const char *password);
/* CONNECT to this address, or to a name that the proxy looks up. */
size_t socks5_write_connect(uint8_t out[SOCKS5_ROOM], const struct addr *);
size_t socks5_write_connect_name(uint8_t out[SOCKS5_ROOM],
    const struct endpoint *);

/* The code is the method that the proxy chose. */
reply_parser socks5_read_method;
/* The code is 0 if the proxy accepts the user and password. */
reply_parser socks5_read_login;
/* The code is 0, or an error. A refusal is done before its address. */
reply_parser socks5_read_connect;

/* An error of CONNECT in words. */
const char *socks5_error(int code);

#endif
