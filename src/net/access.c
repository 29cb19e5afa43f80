/*
 * The networks whose clients are allowed or denied. The longest prefix that has
 * an address decides.
 *
 * access_settle() sorts the networks by their first address, and the shorter
 * prefix first if that is the same. So a network stands behind all that contain
 * it, and each knows the next one that does (outer). The networks with an
 * address all contain each other. The last one that begins at or before the
 * address is the longest of them, or lies inside it, or is apart from all: a
 * binary search finds it, and the way outward from it meets the longest first.
 *
 * Each family has a network of 0 bits, so that every search ends there. A rule
 * that says the same as its outer one is dropped: what is left is the same for
 * all ways to write it, and gives the hash.
 */
#include "net/access.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "net/prefix.h"

static const char everybody[] = "0.0.0.0/0,::/0";

void
access_key(const struct addr *a, uint8_t key[static ACCESS_KEY])
{
	struct addr plain = addr_unmapped(a);
	int width;
	const uint8_t *bytes = prefix_bytes(&plain, &width);

	memset(key, 0, ACCESS_KEY);
	key[0] = plain.sa.sa_family == AF_INET ? 4 : 6;
	memcpy(key + 1, bytes, (size_t)width / 8);
}

static int
access_add_rule(struct access *a, const struct prefix *p, bool allow)
{
	struct access_rule *rules = realloc(a->rules,
	    ((size_t)a->count + 1) * sizeof(*rules));
	struct addr base = p->base;
	int width;

	if (!rules)
		return fail("networks");
	a->rules = rules;
	prefix_bytes(&base, &width);
	rules += a->count++;
	*rules = (struct access_rule){ .allow = allow, .outer = -1 };
	access_key(&p->base, rules->key);
	rules->bits = (uint8_t)(width - p->rest);
	return 0;
}

int
access_add(struct access *a, const char *list, bool allow)
{
	struct prefix_reader r = { .next = list };
	struct prefix p;
	int result;

	if (strcmp(list, "any") == 0)
		r.next = everybody;
	while ((result = prefix_next(&r, &p)) > 0)
		if (access_add_rule(a, &p, allow) < 0)
			return -1;
	a->only |= allow;
	return result;
}

static int
rule_order(const void *one, const void *other)
{
	const struct access_rule *a = one, *b = other;
	int order = memcmp(a->key, b->key, ACCESS_KEY);

	return order ? order : a->bits - b->bits;
}

static bool
rule_has(const struct access_rule *r, const uint8_t key[static ACCESS_KEY])
{
	size_t whole = r->bits / 8u;
	int rest = r->bits % 8;

	if (memcmp(r->key, key, 1 + whole) != 0)
		return false;
	return !rest || (r->key[1 + whole] ^ key[1 + whole]) >> (8 - rest) == 0;
}

/* The longest network among the first `last + 1` that has key; -1: none. */
static int
access_from(const struct access *a, int last,
    const uint8_t key[static ACCESS_KEY])
{
	while (last >= 0 && !rule_has(&a->rules[last], key))
		last = a->rules[last].outer;
	return last;
}

static int
access_conflict(const struct access_rule *r)
{
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(r->key[0] == 4 ? AF_INET : AF_INET6, r->key + 1, text,
	    sizeof(text));
	return fail_as(STATUS_USAGE, "%s/%d is both allowed and denied", text,
	    r->bits);
}

/* Gives each family a network of 0 bits, if it has none: what others get. */
static int
access_add_default(struct access *a)
{
	struct prefix_reader r = { .next = everybody };
	struct prefix p;
	bool has[7] = { false };

	for (int i = 0; i < a->count; i++)
		if (a->rules[i].bits == 0)
			has[a->rules[i].key[0]] = true;
	while (prefix_next(&r, &p) > 0)
		if (!has[p.base.sa.sa_family == AF_INET ? 4 : 6] &&
		    access_add_rule(a, &p, !a->only) < 0)
			return -1;
	return 0;
}

int
access_settle(struct access *a)
{
	int kept = 0;

	if ((!a->count && !a->only) || access_add_default(a) < 0)
		return a->count || a->only ? -1 : 0;
	qsort(a->rules, (size_t)a->count, sizeof(*a->rules), rule_order);
	for (int i = 0; i < a->count; i++) {
		struct access_rule *r = &a->rules[i];
		const struct access_rule *before = i ? r - 1 : NULL;

		if (before && rule_order(before, r) == 0 &&
		    before->allow != r->allow)
			return access_conflict(r);
	}
	for (int i = 0; i < a->count; i++) {
		struct access_rule r = a->rules[i];

		r.outer = access_from(a, kept - 1, r.key);
		if (r.outer < 0 || a->rules[r.outer].allow != r.allow)
			a->rules[kept++] = r;
	}
	a->count = kept;
	return 0;
}

bool
access_allows(const struct access *a, const struct addr *from)
{
	uint8_t key[ACCESS_KEY];
	int low = 0, high = a->count;

	if (!a->count)
		return true;
	access_key(from, key);
	while (low < high) {
		int middle = low + (high - low) / 2;

		if (memcmp(a->rules[middle].key, key, ACCESS_KEY) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	low = access_from(a, low - 1, key);
	return low >= 0 && a->rules[low].allow;
}

/* FNV-1a. */
static void
hash_add(uint64_t *hash, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < length; i++)
		*hash = (*hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

uint64_t
access_hash(const struct access *a)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	bool denies = false;

	for (int i = 0; i < a->count; i++) {
		const struct access_rule *r = &a->rules[i];
		uint8_t last[] = { r->bits, r->allow };

		hash_add(&hash, r->key, sizeof(r->key));
		hash_add(&hash, last, sizeof(last));
		denies |= !r->allow;
	}
	return denies ? hash | 1 : 0;
}

void
access_free(struct access *a)
{
	free(a->rules);
	*a = (struct access){ 0 };
}
