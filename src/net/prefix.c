/*
 * Networks as users write them: ADDRESS or ADDRESS/BITS. The host bits of the
 * base are cleared once, so that a comparison is one memcmp(3).
 */
#include "net/prefix.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/num.h"

enum { ITEM_MAX = 64 };

uint8_t *
prefix_bytes(struct addr *a, int *width)
{
	*width = a->sa.sa_family == AF_INET ? 32 : 128;
	return a->sa.sa_family == AF_INET ? (uint8_t *)&a->in.sin_addr :
	    a->in6.sin6_addr.s6_addr;
}

/* Clears the host bits. */
static void
address_mask(struct addr *a, int rest)
{
	int width;
	uint8_t *bytes = prefix_bytes(a, &width);

	for (int i = width - rest; i < width; i++)
		bytes[i / 8] &= (uint8_t)~(0x80 >> i % 8);
}

static bool
address_read(struct addr *a, const char *text)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, &a->in.sin_addr) == 1) {
		a->sa.sa_family = AF_INET;
		a->len = sizeof(a->in);
	} else if (inet_pton(AF_INET6, text, &a->in6.sin6_addr) == 1) {
		a->sa.sa_family = AF_INET6;
		a->len = sizeof(a->in6);
	}
	return a->len > 0;
}

/* ::ffff:10.0.0.0/104 is 10.0.0.0/8. */
static void
prefix_unmap(struct prefix *p)
{
	if (p->base.sa.sa_family == AF_INET6 && p->rest <= 32)
		p->base = addr_unmapped(&p->base);
}

static int
prefix_read(struct prefix *p, const char *item, size_t length)
{
	char text[ITEM_MAX], *slash;
	int64_t bits;
	int width;

	snprintf(text, sizeof(text), "%.*s", (int)length, item);
	slash = strchr(text, '/');
	if (slash)
		*slash++ = '\0';
	if (length >= sizeof(text) || !address_read(&p->base, text))
		return -1;
	prefix_bytes(&p->base, &width);
	bits = width;
	if (slash && num_parse(slash, 0, width, &bits) < 0)
		return -1;
	p->rest = width - (int)bits;
	address_mask(&p->base, p->rest);
	prefix_unmap(p);
	return 0;
}

static int
prefix_wrong(const struct prefix_reader *r)
{
	char place[24] = "";

	if (r->place > 1 || r->next)
		snprintf(place, sizeof(place), " (item %d)", r->place);
	return fail_as(STATUS_USAGE, "%.*s%s: want addresses or "
	    "prefixes such as 127.0.0.0/24, with ',' between them",
	    (int)(r->length < 40 ? r->length : 40), r->item,
	    r->length ? place : place + 1);
}

int
prefix_next(struct prefix_reader *r, struct prefix *p)
{
	if (!r->next)
		return 0;
	r->item = r->next;
	r->length = strcspn(r->item, ",");
	r->next = r->item[r->length] ? r->item + r->length + 1 : NULL;
	r->place++;
	*p = (struct prefix){ 0 };
	return prefix_read(p, r->item, r->length) < 0 ? prefix_wrong(r) : 1;
}

bool
prefix_has(const struct prefix *p, const struct addr *a)
{
	struct addr base = p->base;
	struct addr masked = addr_unmapped(a);
	int width;
	const uint8_t *bytes;

	if (masked.sa.sa_family != base.sa.sa_family)
		return false;
	address_mask(&masked, p->rest);
	bytes = prefix_bytes(&masked, &width);
	return memcmp(bytes, prefix_bytes(&base, &width),
	    (size_t)width / 8) == 0;
}
