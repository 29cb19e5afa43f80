/*
 * rpnc connect --to: finds the member among the sockets that a client of the
 * server's addresses meets, and has group/reach make the connection. Without
 * such sockets on this host the member is known by its greeting.
 */
#include "cmd/connect_to.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fail.h"
#include "base/loop.h"
#include "net/resolve.h"
#include "net/sock.h"

enum { AGAIN_NS = 50 * 1000 * 1000 };	/* --wait: from look to look */

int
connect_to_read(struct connect_to *t, const struct settings *s)
{
	t->reach.text = s->to;
	t->reach.datagram = s->udp;
	t->reach.interface = s->interface;
	t->wait = s->wait;
	return member_choice_read(&t->reach.whom, s->to) < 0 ?
	    fail_option("--to") : 0;
}

static int
on_reach_connect(struct reach *r, const struct addr *target,
    const struct addr *source)
{
	struct connect_to *t = r->user;
	struct dial_options o = *t->options;
	struct endpoint e = *t->server;
	struct addr from = *source;
	char text[ADDR_TEXT];
	int fd;

	if (target->len) {
		snprintf(e.host, sizeof(e.host), "%s", addr_host(target, text));
		e.numeric = true;
	}
	if (from.len) {
		o.source = (struct addr_list){ .at = &from, .count = 1 };
		o.source_port = addr_port(&from);
	}
	if (r->tries)
		o.wait = 0;		/* it has listened already */
	errno = 0;
	fd = t->dial(t->user, &e, &o);
	if (fd < 0 && o.source_port && fail_status() == STATUS_BIND)
		errno = EADDRINUSE;
	return fd;
}

/* The address of -s for this target; len 0: none is given. */
static struct addr
source_of(const struct connect_to *t, const struct addr *target)
{
	const struct addr_list *given = &t->options->source;

	for (int i = 0; i < given->count; i++)
		if (given->at[i].sa.sa_family == target->sa.sa_family)
			return given->at[i];
	return (struct addr){ .len = 0 };
}

/* Whether -s, if it is given, has an address of the target's family. */
static bool
is_usable(const struct connect_to *t, const struct addr *target)
{
	return !t->options->source.count || source_of(t, target).len;
}

static int
by_greeting(struct connect_to *t, const struct addr *target)
{
	struct addr source = { .len = 0 };

	if (t->reach.datagram)
		return fail_as(STATUS_NETWORK, "--to: no process on this host "
		    "has that port, and datagrams are not greeted");
	if (t->reach.mute)
		return fail_as(STATUS_USAGE, "--to: on another host a member "
		    "is known by its greeting, which --tls hides");
	if (target->len)
		source = source_of(t, target);
	return reach_by_greeting(&t->reach, target, &source);
}

/* Looks at each address for the member. The index of the one, or -1. */
static int
find_address(struct connect_to *t, const struct addr_list *list, bool *absent)
{
	*absent = false;
	for (int i = 0; i < list->count; i++) {
		struct addr source = source_of(t, &list->at[i]);
		int found = is_usable(t, &list->at[i]) ?
		    reach_aim(&t->reach, &list->at[i], &source) : 0;

		if (found > 0)
			return i;
		*absent |= found < 0;
	}
	return -1;
}

static bool
are_local(const struct addr_list *list)
{
	for (int i = 0; i < list->count; i++)
		if (!sock_is_local(&list->at[i]))
			return false;
	return true;
}

static bool
may_come(const struct connect_to *t, const struct addr_list *list,
    int64_t until)
{
	return t->wait && loop_now() < until && are_local(list);
}

/* Tries the addresses, and with --wait again until the member is there. */
static int
by_address(struct connect_to *t, const struct addr_list *list)
{
	const struct timespec gap = { .tv_nsec = AGAIN_NS };
	int64_t until = loop_now() + t->wait;
	uint16_t port = t->server->port;
	bool absent;
	int i;

	while ((i = find_address(t, list, &absent)) < 0 &&
	    may_come(t, list, until)) {
		reach_close(&t->reach);
		nanosleep(&gap, NULL);
		reach_open(&t->reach, port);
	}
	if (i >= 0)
		return reach_by_kernel(&t->reach, &list->at[i]);
	return absent ? -1 : by_greeting(t, &list->at[0]);
}

int
connect_to(struct connect_to *t, int64_t limit)
{
	static const struct addr unknown = { .len = 0 };
	struct addr_list list = { .count = 0 };
	int fd;

	t->reach.deadline = limit;
	t->reach.user = t;
	t->reach.connect = on_reach_connect;
	t->reach.distant = t->proxied;
	t->reach.mute = t->hidden;
	if (t->proxied)
		return by_greeting(t, &unknown);
	reach_open(&t->reach, t->server->port);
	fd = resolve(t->server, limit, &list) < 0 ? -1 : by_address(t, &list);
	addr_list_free(&list);
	reach_close(&t->reach);
	return fd;
}
