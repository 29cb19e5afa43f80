#ifndef NET_PROXY_HOP_H
#define NET_PROXY_HOP_H

#include "net/socks5.h"

/* The proxies on the way to a server, as the user wrote them. */

enum proxy_scheme {
	PROXY_SOCKS5,		/* this host looks up the next hop's name */
	PROXY_SOCKS5H,		/* the proxy does */
	PROXY_HTTP,		/* CONNECT; the proxy looks up the name */
};

struct proxy_hop {
	enum proxy_scheme scheme;
	struct endpoint endpoint;
	char name[ENDPOINT_TEXT + 16];	/* the URL without the login */
	bool login;			/* has a user and a password */
	char user[SOCKS5_TEXT + 1], password[SOCKS5_TEXT + 1];
};

enum { PROXY_HOPS = 8 };
struct proxy_chain {
	int count;
	struct proxy_hop hop[PROXY_HOPS];
};

/*
 * Reads SCHEME://[USER[:PASSWORD]@]HOST[:PORT]; the port is 1080 if it is left
 * out, as for curl. User and password may have %XX. -1: a usage fault, without
 * the password.
 */
int proxy_hop_parse(struct proxy_hop *, const char *url);

/* Reads "USER:PASSWORD" of this length; -1: a usage fault. */
int proxy_hop_set_login(struct proxy_hop *, const char *text, size_t length);

/* Puts the proxy before the text of the last fault; returns -1. */
int proxy_hop_fault(const struct proxy_hop *);

#endif
