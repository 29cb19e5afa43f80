#include "net/proxy_route.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/num.h"
#include "net/resolve.h"

/* Whether a proxy gets an address: this host must look the name up. */
static bool
gets_address(const struct proxy_hop *hop, const struct endpoint *next)
{
	return hop->scheme == PROXY_SOCKS5 || next->numeric ||
	    (hop->scheme == PROXY_SOCKS5H && endpoint_is_literal(next));
}

/* The addresses of what is behind a proxy; none if that gets the name. */
static int
hop_resolve(const struct proxy_hop *hop, const struct endpoint *next,
    int64_t deadline, int64_t wait, struct addr_list *out)
{
	*out = (struct addr_list){ 0 };
	if (!gets_address(hop, next) ||
	    resolve_wait(next, deadline, wait, NULL, out) > 0)
		return 0;
	addr_list_free(out);
	if (!next->numeric)
		fail_add("socks5h:// lets the proxy look it up");
	return -1;
}

int
proxy_route_resolve(struct proxy_route *r, const struct proxy_chain *c,
    const struct endpoint *server, int64_t deadline, int64_t wait)
{
	struct addr_list list;

	*r = (struct proxy_route){ .chain = c, .server = server };
	for (int i = 0; i + 1 < c->count; i++) {
		if (hop_resolve(&c->hop[i], &c->hop[i + 1].endpoint, deadline,
		    wait, &list) < 0)
			return -1;
		if (list.count)
			r->next[i] = list.at[0];
		addr_list_free(&list);
	}
	return hop_resolve(&c->hop[c->count - 1], server, deadline,
	    wait, &r->servers);
}

void
proxy_route_free(struct proxy_route *r)
{
	addr_list_free(&r->servers);
}

const struct addr *
proxy_route_server(const struct proxy_route *r, int place)
{
	return r->servers.count ? &r->servers.at[place % r->servers.count] :
	    NULL;
}

/* Makes the places of proxy_route_open(). */
static int
route_pair(const struct proxy_route *r, const struct addr_list *proxy,
    struct addr_list *out)
{
	int each = r->servers.count ? r->servers.count : 1;

	*out = (struct addr_list){ 0 };
	for (int i = 0; i < proxy->count * each; i++)
		if (addr_list_add(out, &proxy->at[i / each]) < 0)
			return fail("proxy");
	return 0;
}

int
proxy_route_open(struct proxy_route *r, const struct proxy_chain *c,
    const struct endpoint *server, int64_t deadline, int64_t wait,
    struct addr_list *first)
{
	struct addr_list list;
	int result;

	if (proxy_route_resolve(r, c, server, deadline, wait) < 0)
		return -1;
	if (resolve_wait(&c->hop[0].endpoint, deadline, wait, NULL, &list) < 0)
		return proxy_hop_fault(&c->hop[0]);
	result = route_pair(r, &list, first);
	addr_list_free(&list);
	return result;
}

const char *
proxy_chain_text(const struct proxy_chain *c, char text[static PROXIES_TEXT])
{
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < c->count && used < PROXIES_TEXT; i++)
		used += (size_t)snprintf(text + used, PROXIES_TEXT - used,
		    "%s%s", i ? ", " : "", c->hop[i].name);
	return text;
}

/* Whether a proxy may get this host to connect to; -1: a usage fault. */
static int
check_host(const char *host)
{
	for (const char *at = host; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == '\177')
			return fail_as(STATUS_USAGE, "the host has a blank or "
			    "a control character");
	return !strchr(host, '%') ? 0 : fail_as(STATUS_USAGE, "%.64s: a proxy "
	    "can't use this host's interface", host);
}

int
proxy_chain_check(const struct proxy_chain *c, const struct endpoint *e)
{
	enum proxy_scheme last = c->hop[c->count - 1].scheme;
	char place[sizeof("proxy 8:") + NUM_TEXT];

	if (check_host(e->host) < 0)
		return -1;
	for (int i = 1; i < c->count; i++)
		if (check_host(c->hop[i].endpoint.host) < 0) {
			snprintf(place, sizeof(place), "proxy %d:", i + 1);
			return fail_option(place);
		}
	if (last == PROXY_SOCKS5 || endpoint_is_literal(e))
		return 0;
	return e->family == AF_UNSPEC ? 0 : fail_as(STATUS_USAGE, "-4 and -6 "
	    "are for a name that this host looks up: socks5://");
}
