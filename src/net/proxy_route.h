#ifndef NET_PROXY_ROUTE_H
#define NET_PROXY_ROUTE_H

#include "net/proxy_hop.h"

/*
 * The way through a chain of proxies: each connects to the next one, the last to
 * the server. Some get an address that this host has looked up, others the name.
 */
struct proxy_route {
	const struct proxy_chain *chain;
	const struct endpoint *server;
	struct addr next[PROXY_HOPS];	/* but the last's; len 0: by name */
	struct addr_list servers;	/* the last one's; empty: by name */
};

/*
 * Whether a chain can reach e: the host must be one that a proxy may get. -1: a
 * usage fault.
 */
int proxy_chain_check(const struct proxy_chain *, const struct endpoint *e);

/*
 * Looks up what this host has to; wait: as resolve_wait() does. The caller frees
 * it, also after a failure.
 */
int proxy_route_resolve(struct proxy_route *, const struct proxy_chain *,
    const struct endpoint *server, int64_t deadline, int64_t wait);
void proxy_route_free(struct proxy_route *);

/*
 * The same, and fills first with addresses of the first proxy: each of them has
 * a place for each address that the last proxy can be asked for. That of a
 * place: NULL if it is asked for the name.
 */
int proxy_route_open(struct proxy_route *, const struct proxy_chain *,
    const struct endpoint *server, int64_t deadline, int64_t wait,
    struct addr_list *first);
const struct addr *proxy_route_server(const struct proxy_route *, int place);

/* The URLs of a chain, without passwords. */
enum { PROXIES_TEXT = 1024 };
const char *proxy_chain_text(const struct proxy_chain *,
    char text[static PROXIES_TEXT]);

#endif
