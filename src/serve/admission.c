/*
 * Judges clients by what the kernel says about them, never by a PROXY header.
 *
 *	peer		allowed by		source
 *	IP		net/access.h		its address, without the port
 *	Unix stream	its user (SO_PEERCRED)	its user
 *
 * If anybody is allowed by name or address, all others are denied, also those
 * of the other kind: a server may have adopted sockets of both.
 *
 * A source exists while it has connections, so attackers cannot fill memory
 * with those that were denied.
 */
#include "serve/admission.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/fail.h"
#include "base/num.h"

enum { USER_TEXT = 64 };

struct source_count {
	uint8_t key[ACCESS_KEY];
	unsigned open;
	UT_hash_handle hh;
};

static int
user_find(const char *name, uid_t *out)
{
	const struct passwd *p;
	int64_t number;

	errno = 0;
	p = getpwnam(name);
	if (p)
		*out = p->pw_uid;
	else if (num_parse(name, 0, UINT32_MAX - 1, &number) == 0)
		*out = (uid_t)number;
	else
		return -1;
	return 0;
}

static int
admission_add_user(struct admission *a, const char *name, int place)
{
	uid_t *users = realloc(a->users, ((size_t)a->user_count + 1) *
	    sizeof(*users));

	if (!users)
		return fail("users");
	a->users = users;
	if (user_find(name, &users[a->user_count]) < 0)
		return fail_as(STATUS_USAGE, "%s (item %d): no such user",
		    name, place);
	a->user_count++;
	return 0;
}

int
admission_add_users(struct admission *a, const char *list)
{
	char name[USER_TEXT];

	for (int place = 1; list; place++) {
		size_t length = strcspn(list, ",");

		snprintf(name, sizeof(name), "%.*s", (int)length, list);
		if (admission_add_user(a, name, place) < 0)
			return -1;
		list = list[length] ? list + length + 1 : NULL;
	}
	return 0;
}

bool
admission_is_on(const struct admission *a)
{
	return a->access.count || a->user_count || a->per_source;
}

/* The user of a connection's other end; -1: the kernel does not say. */
static int
peer_user(const struct conn *c, uid_t *out)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(c->source.fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -1;
	*out = peer.uid;
	return 0;
}

static bool
user_is_allowed(const struct admission *a, uid_t user)
{
	for (int i = 0; i < a->user_count; i++)
		if (a->users[i] == user)
			return true;
	return !a->user_count && !a->access.only;
}

/* A user's source; no IP address begins with this byte. */
static void
user_key(uid_t user, uint8_t key[static ACCESS_KEY])
{
	memset(key, 0, ACCESS_KEY);
	key[0] = 1;
	memcpy(key + 1, &user, sizeof(user));
}

static struct source_count *
source_find(const struct admission *a, const uint8_t key[static ACCESS_KEY])
{
	struct source_count *s;

	HASH_FIND(hh, a->sources, key, ACCESS_KEY, s);
	return s;
}

static bool
source_has_room(const struct admission *a, const uint8_t key[static ACCESS_KEY])
{
	const struct source_count *s = a->per_source ? source_find(a, key) :
	    NULL;

	return !s || s->open < a->per_source;
}

static int
admission_judge_user(struct admission *a, const struct conn *c)
{
	uint8_t key[ACCESS_KEY];
	uid_t user;

	if (peer_user(c, &user) < 0)
		return fail("the client's user");
	user_key(user, key);
	if (!user_is_allowed(a, user))
		return fail_as(STATUS_NETWORK, "a client of user %lld is "
		    "denied", (long long)user);
	if (!source_has_room(a, key))
		return fail_as(STATUS_NETWORK, "a client is denied: user %lld "
		    "has %u connection%s", (long long)user, a->per_source,
		    a->per_source == 1 ? "" : "s");
	return 0;
}

int
admission_judge_address(struct admission *a, const struct addr *from)
{
	uint8_t key[ACCESS_KEY];
	char text[ADDR_TEXT];

	if (!admission_is_on(a))
		return 0;
	access_key(from, key);
	if (!access_allows(&a->access, from) ||
	    (a->user_count && !a->access.count))
		return fail_as(STATUS_NETWORK, "%s is denied",
		    addr_text(from, text));
	if (!source_has_room(a, key))
		return fail_as(STATUS_NETWORK, "%s is denied: its address has "
		    "%u connection%s", addr_text(from, text), a->per_source,
		    a->per_source == 1 ? "" : "s");
	return 0;
}

int
admission_judge(struct admission *a, const struct conn *c)
{
	if (!admission_is_on(a))
		return 0;
	return c->peer.sa.sa_family == AF_UNIX ? admission_judge_user(a, c) :
	    admission_judge_address(a, &c->peer);
}

int
admission_enter(struct admission *a, struct conn *c)
{
	struct source_count *s;
	uint8_t key[ACCESS_KEY];
	uid_t user = 0;

	if (!a->per_source)
		return 0;
	if (c->peer.sa.sa_family != AF_UNIX)
		access_key(&c->peer, key);
	else if (peer_user(c, &user) == 0)
		user_key(user, key);
	else
		return fail("the client's user");
	s = source_find(a, key);
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s)
			return fail("client");
		memcpy(s->key, key, sizeof(key));
		HASH_ADD(hh, a->sources, key, ACCESS_KEY, s);
	}
	s->open++;
	c->counted = s;
	return 0;
}

void
admission_left(struct admission *a, struct source_count *s)
{
	if (!s || --s->open)
		return;
	HASH_DEL(a->sources, s);
	free(s);
}

void
admission_free(struct admission *a)
{
	struct source_count *s, *next;

	HASH_ITER(hh, a->sources, s, next) {
		HASH_DEL(a->sources, s);
		free(s);
	}
	access_free(&a->access);
	free(a->users);
	*a = (struct admission){ 0 };
}
