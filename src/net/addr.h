#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A socket address with its length; len 0: no address. */
struct addr {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
};

enum {
	ADDR_TEXT = 128,	/* room for the longest addr_text() and its 0 */
	ADDR_MAX = 32,		/* addresses of one server */
};

/* An address that the user typed, to listen on or to connect to. */
struct endpoint {
	bool local;		/* a Unix socket: path holds it */
	bool datagram;
	int family;		/* AF_UNSPEC, or the family of -4 or -6 */
	bool numeric;		/* never ask a name server */
	const char *path;	/* without "unix:"; '@' opens an abstract name */
	char host[256];		/* empty: localhost, or every address */
	uint16_t port;
};

enum { URL_TEXT = 128 };
/* If word is a URL, writes "HOST PORT" by it, and returns true. */
bool addr_of_url(const char *word, char text[static URL_TEXT]);

/* All zero: empty. */
struct addr_list {
	int count, room;
	struct addr *at;
};

/* Returns -1 if memory is short. */
int addr_list_add(struct addr_list *, const struct addr *);
void addr_list_free(struct addr_list *);

/*
 * Reads PORT, HOST PORT, HOST:PORT, [V6]:PORT, unix:PATH or unix:@NAME into e;
 * the caller has set its flags. Returns -1 with a usage fault that says what is
 * wrong.
 */
int endpoint_parse(struct endpoint *e, int count, char *const *words);

/* Whether the host is an address, not a name. */
bool endpoint_is_literal(const struct endpoint *e);

enum { ENDPOINT_TEXT = 256 + 16 };
/* "HOST:PORT" or "[V6]:PORT" as the user typed it, or "localhost:PORT". */
const char *endpoint_text(const struct endpoint *e,
    char text[static ENDPOINT_TEXT]);

/* Whether no name server is needed; flags as in getaddrinfo(3). */
bool endpoint_is_known(const struct endpoint *e, int flags);

/* Calls getaddrinfo(3), which may block: 0, or an EAI_ code. */
int addr_ask(const struct endpoint *e, int family, int flags,
    struct addr_list *out);

/* Fills a with a Unix socket's address; '@' opens an abstract name. */
int addr_unix(struct addr *a, const char *path);

/* After the kernel has set it: makes len not more than the address has. */
void addr_trim(struct addr *a);

uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_is_wildcard(const struct addr *a);
/* Whether only this host can reach it: 127.0.0.0/8, ::1, or a Unix socket. */
bool addr_is_loopback(const struct addr *a);
/* An IPv4 address in place of a v4-mapped one (::ffff:192.0.2.1). */
struct addr addr_unmapped(const struct addr *a);

/*
 * Writes "127.0.0.1:9000", "[fe80::1%eth0]:9000", "unix:/run/x" or
 * "unix:@name", escaped, never longer than ADDR_TEXT; addr_host() leaves the
 * port out and never brackets. Return text.
 */
const char *addr_text(const struct addr *a, char text[static ADDR_TEXT]);
const char *addr_host(const struct addr *a, char text[static ADDR_TEXT]);
/*
 * Like addr_text(); "203.0.113.7:4711 (by 10.0.0.2:5555)" if a proxy is given
 * (else NULL).
 */
enum { ADDR_BY_TEXT = 2 * ADDR_TEXT + 8 };
const char *addr_text_by(const struct addr *a, const struct addr *proxy,
    char text[static ADDR_BY_TEXT]);

#endif
