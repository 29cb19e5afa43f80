/*
 * The list of source addresses and ports that connections use in turn. A prefix
 * is expanded to those of its addresses that are this host's.
 */
#include "net/sources.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/num.h"
#include "net/prefix.h"
#include "net/sock.h"

enum { WALK_BITS = 12 };

static int
sources_add(struct sources *s, const struct addr *a)
{
	struct addr *at;

	for (int i = 0; i < s->count; i++)
		if (addr_equal(&s->at[i], a))
			return 0;
	at = realloc(s->at, ((size_t)s->count + 1) * sizeof(*at));
	if (!at)
		return fail("addresses");
	s->at = at;
	s->at[s->count++] = *a;
	return 0;
}

/* No host has the network's or the broadcast address, though bind(2) works. */
static bool
is_special(const struct prefix *p, uint32_t i)
{
	uint32_t last = p->rest < 32 ? (1u << p->rest) - 1 : UINT32_MAX;

	if (p->rest < 2)
		return false;
	return i == 0 || (p->base.sa.sa_family == AF_INET && i == last);
}

static int
sources_walk(struct sources *s, const struct prefix *p)
{
	uint32_t most = 1u << (p->rest < WALK_BITS ? p->rest : WALK_BITS);

	for (uint32_t i = 0; i < most; i++) {
		struct addr a = p->base;
		int width;
		uint8_t *low = prefix_bytes(&a, &width);

		low += width / 8 - 4;
		low[3] |= (uint8_t)i;
		low[2] |= (uint8_t)(i >> 8);
		if (!is_special(p, i) && sock_is_local(&a) &&
		    sources_add(s, &a) < 0)
			return -1;
	}
	return 0;
}

/* Adds this host's interface addresses that are in a large prefix. */
static int
take_interfaces(struct sources *s, const struct prefix *p)
{
	struct ifaddrs *list, *i;
	int result = 0;

	if (p->rest <= WALK_BITS || getifaddrs(&list) < 0)
		return 0;
	for (i = list; i && result == 0; i = i->ifa_next) {
		struct addr a = { 0 };

		if (!i->ifa_addr ||
		    i->ifa_addr->sa_family != p->base.sa.sa_family)
			continue;
		a.len = p->base.len;
		memcpy(&a.sa, i->ifa_addr, a.len);
		if (prefix_has(p, &a) && !a.in6.sin6_scope_id)
			result = sources_add(s, &a);
	}
	freeifaddrs(list);
	return result;
}

int
sources_read(struct sources *s, const char *text)
{
	struct prefix_reader r = { .next = text };
	struct prefix p;
	int result;

	while ((result = prefix_next(&r, &p)) > 0) {
		int before = s->count;

		if (take_interfaces(s, &p) < 0 || sources_walk(s, &p) < 0)
			return -1;
		if (s->count == before)
			return fail_as(STATUS_BIND, "%.*s: no address of "
			    "this host", (int)r.length, r.item);
	}
	return result;
}

int
sources_read_ports(struct sources *s, const char *text)
{
	char from[8];
	size_t length = strcspn(text, "-");
	int64_t first, last;

	snprintf(from, sizeof(from), "%.*s", (int)length, text);
	if (length >= sizeof(from) || num_parse(from, 1, 65535, &first) < 0 ||
	    num_parse(text[length] ? text + length + 1 : from, first, 65535,
	    &last) < 0)
		return fail_as(STATUS_USAGE, "%.40s: want a port, or "
		    "FIRST-LAST, from 1 to 65535", text);
	s->first = s->port = (uint16_t)first;
	s->last = (uint16_t)last;
	return 0;
}

int
sources_take(struct sources *s, const struct addr_list *list)
{
	bool has4 = false, has6 = false;
	char text[ADDR_TEXT];

	for (int i = 0; i < list->count; i++) {
		bool *has = list->at[i].sa.sa_family == AF_INET ? &has4 :
		    &has6;

		if (!*has && !sock_is_local(&list->at[i]))
			return fail_as(STATUS_BIND, "%s: no address of this "
			    "host", addr_host(&list->at[i], text));
		if (!*has && sources_add(s, &list->at[i]) < 0)
			return -1;
		*has = true;
	}
	return 0;
}

uint64_t
sources_flows(const struct sources *s)
{
	if (!s->first)
		return 0;
	return (uint64_t)(s->last - s->first + 1) *
	    (uint64_t)(s->count ? s->count : 1);
}

static void
sources_step(struct sources *s)
{
	if (++s->address < s->count)
		return;
	s->address = 0;
	if (s->first)
		s->port = s->port < s->last ? s->port + 1 : s->first;
}

/* The wildcard address, which is all zeros. */
static void
address_set_any(struct addr *a, int family)
{
	memset(a, 0, sizeof(*a));
	a->sa.sa_family = (sa_family_t)family;
	a->len = family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

int
sources_next(struct sources *s, int family, struct addr *out)
{
	memset(out, 0, sizeof(*out));
	if (!s->count && !s->first)
		return 0;
	for (int i = 0; i < s->count; i++) {
		if (s->at[s->address].sa.sa_family == family)
			break;
		sources_step(s);
		if (i + 1 == s->count) {
			errno = EAFNOSUPPORT;
			return -1;
		}
	}
	if (s->count)
		*out = s->at[s->address];
	else
		address_set_any(out, family);
	addr_set_port(out, s->port);
	sources_step(s);
	return 0;
}

int
sources_peek(const struct sources *s, int family, struct addr *out)
{
	struct sources copy = *s;

	return sources_next(&copy, family, out);
}

void
sources_free(struct sources *s)
{
	free(s->at);
	*s = (struct sources){ 0 };
}
