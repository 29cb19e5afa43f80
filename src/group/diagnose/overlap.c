/*
 * Finds groups of one port that take traffic from each other. How it works. For
 * a packet without a connection, the kernel searches the sockets of its exact
 * address first, then the wildcards. In each search it takes the first socket
 * whose address and device match. That socket's group shares the traffic, and
 * other groups that match get none. IPv4 sockets come before IPv6 ones. Among
 * IPv4 sockets the newest is first, so the group that was joined last wins;
 * among IPv6 ones the oldest is first (measured on 6.18 for TCP and UDP;
 * net/ipv4/inet_hashtables.c, __inet_hash). sock_diag lists them in this order.
 */
#include "group/diagnose/overlap.h"

#include <limits.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "group/diagnose/port_sockets.h"
#include "net/interface.h"

enum { BEFORE_ALL = -1, NOWHERE = INT_MAX };

/* One group of ours, and its place in the kernel's list. */
struct own {
	struct diag_sock like;
	int at, before;		/* the place now; without our sockets */
};

/* The list position of the n-th socket of a group, from 0. */
static int
find_nth(const struct port_sockets *p, const struct diag_sock *like, int n)
{
	for (int i = 0; i < p->count; i++)
		if (in_one_group(&p->list[i], like) && !n--)
			return i;
	return NOWHERE;
}

static struct own
own_group(const struct port_sockets *p, const struct addr *bound,
    const struct sock_options *o, int own)
{
	struct own group = {
		.like = port_socket_like(bound, o->datagram, o->interface),
	};
	bool v4 = bound->sa.sa_family == AF_INET;

	/* ours are the first on IPv4, and the last on IPv6 */
	group.at = v4 && !own ? BEFORE_ALL : find_nth(p, &group.like, 0);
	if (v4)
		group.before = find_nth(p, &group.like, own);
	else if (find_nth(p, &group.like, own) != NOWHERE)
		group.before = group.at;
	else
		group.before = NOWHERE;
	return group;
}

/*
 * Whether the other group, with its list position, wins traffic that matches
 * both.
 */
static bool
other_group_wins(const struct diag_sock *theirs, int at,
    const struct diag_sock *us, int ours)
{
	int family = theirs->local.sa.sa_family;

	switch (relation_of(theirs, us)) {
	case COVERED:
		return true;
	case SAME:
		if (family != us->local.sa.sa_family)
			return family == AF_INET;
		return at < ours;
	case COVERS:
	case APART:
		break;
	}
	return false;
}

static bool
they_win(const struct own *own, int ours, const struct diag_sock *theirs,
    int at)
{
	return other_group_wins(theirs, at, &own->like, ours);
}

/* "all that is for 127.0.0.1", "all IPv6 that comes by lo" */
static void
disputed_text(const struct diag_sock *winner, const struct diag_sock *loser,
    char text[static PORT_SOCKET_TEXT])
{
	uint32_t device = winner->ifindex != loser->ifindex ?
	    winner->ifindex | loser->ifindex : 0;
	char host[ADDR_TEXT], name[IF_NAMESIZE] = "?";
	const char *what = "all";
	size_t used;

	if (relation_of(winner, loser) == COVERED) {
		used = (size_t)snprintf(text, PORT_SOCKET_TEXT,
		    "all that is for %s", addr_host(&winner->local, host));
		if (device)
			snprintf(text + used, PORT_SOCKET_TEXT - used,
			    " and comes "
			    "by %s",
			    interface_name(device, name) ? name : "?");
		return;
	}
	if (winner->local.sa.sa_family != loser->local.sa.sa_family)
		what = "all IPv4";
	else if (winner->v6only != loser->v6only)
		what = "all IPv6";
	used = (size_t)snprintf(text, PORT_SOCKET_TEXT, "%s", what);
	if (device)
		snprintf(text + used, PORT_SOCKET_TEXT - used,
		    " that comes by %s",
		    interface_name(device, name) ? name : "?");
}

bool
overlap_between(const struct port_sockets *p, int winner, int loser,
    char text[static PORT_SOCKET_TEXT])
{
	const struct diag_sock *a = &p->list[winner], *b = &p->list[loser];

	if (in_one_group(a, b) || on_other_device(a, b) ||
	    !other_group_wins(a, winner, b, loser))
		return false;
	disputed_text(a, b, text);
	return true;
}

/* Why the winner wins, if the addresses don't tell. */
static const char *
by_age(const struct diag_sock *winner, const struct diag_sock *loser)
{
	if (relation_of(winner, loser) != SAME ||
	    winner->local.sa.sa_family != loser->local.sa.sa_family)
		return "";
	return winner->local.sa.sa_family == AF_INET ?
	    ": of two such groups the one joined last wins" :
	    ": of two such groups the older one wins";
}

/* "A (pid 12) and 3 more" of a group */
static void
who_text(struct port_sockets *p, int first, char text[static PORT_SOCKET_TEXT])
{
	size_t used;
	int more = 0;

	port_socket_text(p, &p->list[first], text);
	for (int i = first + 1; i < p->count; i++)
		more += in_one_group(&p->list[i], &p->list[first]);
	used = strlen(text);
	if (more)
		snprintf(
		    text + used, PORT_SOCKET_TEXT - used, " and %d more", more);
}

static void
overlap_text(struct port_sockets *p, const struct own *own, int at, bool theirs,
    bool now, char text[static OVERLAP_TEXT])
{
	const struct diag_sock *s = &p->list[at];
	char who[PORT_SOCKET_TEXT], won[PORT_SOCKET_TEXT],
	    lost[PORT_SOCKET_TEXT];
	char what[PORT_SOCKET_TEXT];

	who_text(p, at, who);
	port_socket_place(theirs ? s : &own->like, won);
	port_socket_place(theirs ? &own->like : s, lost);
	if (theirs) {
		disputed_text(s, &own->like, what);
		snprintf(text, OVERLAP_TEXT, "%s %s to %s on %s, none of it to "
		    "%s%s", what, now ? "goes" : "would go", who, won, lost,
		    by_age(s, &own->like));
	} else {
		disputed_text(&own->like, s, what);
		snprintf(text, OVERLAP_TEXT, "%s %s to %s now, no longer to %s "
		    "on %s%s", what, now ? "comes" : "would come", won, who,
		    lost, by_age(&own->like, s));
	}
}

/* Whether it is the first socket of its group, and the group is not ours. */
static bool
is_foreign(const struct port_sockets *p, const struct own *own, int count,
    int at)
{
	for (int i = 0; i < count; i++)
		if (in_one_group(&own[i].like, &p->list[at]))
			return false;
	return port_socket_is_first(p, at);
}

/* Whether our sockets win traffic that the others had before. */
static bool
we_win(const struct own *own, const struct diag_sock *theirs, int at)
{
	return !they_win(own, own->at, theirs, at) &&
	    (own->before == NOWHERE ||
	    they_win(own, own->before, theirs, at));
}

static void
overlap_find(struct port_sockets *p, const struct own *own, int count,
    bool theirs, bool now, struct overlaps *out)
{
	for (int i = 0; i < count; i++)
		for (int j = 0; j < p->count; j++) {
			const struct diag_sock *s = &p->list[j];

			if (out->count == OVERLAPS_MAX)
				return;
			if (!is_foreign(p, own, count, j) ||
			    on_other_device(s, &own[i].like) ||
			    relation_of(s, &own[i].like) == APART)
				continue;
			if (theirs ? they_win(&own[i], own[i].at, s, j) :
			    we_win(&own[i], s, j))
				overlap_text(p, &own[i], j, theirs, now,
				    out->text[out->count++]);
		}
}

/* Counts the group's foreign sockets (and all); finds the first one's owner. */
static int
overlap_count_strangers(struct port_sockets *p, const struct own *own, int *all,
    char who[static PORT_SOCKET_TEXT])
{
	int found = 0, first = -1;

	*all = 0;
	for (int i = 0; i < p->count; i++) {
		struct owner o = { .pid = 0 };

		if (!in_one_group(&p->list[i], &own->like))
			continue;
		++*all;
		if (port_socket_slot(p, &p->list[i]) ||
		    (port_socket_owner(p, &p->list[i], &o) > 0 &&
		    (o.pid == getpid() || owner_parent(o.pid) == getpid())))
			continue;
		if (!found++)
			first = i;
	}
	if (found)
		port_socket_text(p, &p->list[first], who);
	return found;
}

static void
overlap_strangers_text(struct port_sockets *p, const struct own *own, int ours,
    struct overlaps *out)
{
	char who[PORT_SOCKET_TEXT], where[PORT_SOCKET_TEXT];
	int all, theirs = overlap_count_strangers(p, own, &all, who);

	if (!theirs || out->count == OVERLAPS_MAX)
		return;
	snprintf(out->text[out->count++], OVERLAP_TEXT,
	    "on %s this joins %d "
	    "socket%s of %s that %s not rpnc's: it takes %d/%d of their new %s",
	    port_socket_place(&own->like, where), theirs,
	    theirs == 1 ? "" : "s", who, theirs == 1 ? "is" : "are", ours, all,
	    p->datagram ? "datagrams" : "connections");
}

/* Opens the port sockets of set, and finds the groups that are ours. */
static int
overlap_open(struct port_sockets *p, const struct sock_set *set,
    const struct sock_options *o, int own, struct own groups[static ADDR_MAX])
{
	if (!set->count || set->bound[0].sa.sa_family == AF_UNIX ||
	    !addr_port(&set->bound[0]) || port_sockets_open(p, o->datagram,
	    addr_port(&set->bound[0]), 1u << (o->datagram ? TCP_CLOSE :
	    TCP_LISTEN)) < 0)
		return -1;
	for (int i = 0; i < set->count; i++)
		groups[i] = own_group(p, &set->bound[i], o, own);
	return 0;
}

void
overlap_strangers(const struct sock_set *set, const struct sock_options *o,
    int own, struct overlaps *out)
{
	struct own groups[ADDR_MAX];
	struct port_sockets p;

	out->count = 0;
	if (!o->reuseport || overlap_open(&p, set, o, own, groups) < 0)
		return;
	for (int i = 0; i < set->count; i++)
		overlap_strangers_text(&p, &groups[i], own, out);
	port_sockets_close(&p);
}

void
overlaps_find(const struct sock_set *set, const struct sock_options *o,
    int own, struct overlaps *out)
{
	struct own groups[ADDR_MAX];
	struct port_sockets p;

	out->count = 0;
	if (overlap_open(&p, set, o, own, groups) < 0)
		return;
	overlap_find(&p, groups, set->count, true, own > 0, out);
	overlap_find(&p, groups, set->count, false, own > 0, out);
	port_sockets_close(&p);
}
