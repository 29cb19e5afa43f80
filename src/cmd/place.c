#include "cmd/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "group/members.h"

int
place_check(const struct settings *s, const struct endpoint *e)
{
	if (s->reuseport && e->local)
		return fail_as(STATUS_USAGE, "-r needs TCP or UDP: Linux has "
		    "no SO_REUSEPORT for Unix sockets");
	if (s->interface && e->local)
		return fail_as(STATUS_USAGE, "a Unix socket has no interface");
	if (s->reuseport && e->datagram && !e->port)
		return fail_as(STATUS_USAGE, "-u -r with port 0: Linux may "
		    "give two such sockets the same port; name one");
	return 0;
}

struct sock_options
place_options(const struct settings *s)
{
	return (struct sock_options){
		.datagram = s->udp, .reuseport = s->reuseport,
		.backlog = (int)s->backlog, .interface = s->interface,
	};
}

/* A board, or why there is none and one of our own. */
static int
board_for(struct place *p, const struct settings *s)
{
	uint16_t port = addr_port(&p->set.bound[0]);

	if (s->reuseport) {
		p->board = board_open(s->udp, port);
		if (!p->board)
			snprintf(p->notice, sizeof(p->notice), "%s: other "
			    "members can't be shown", fail_text());
	}
	if (!p->board)
		p->board = board_private();
	return p->board ? 0 : fail("board");
}

int
place_open(struct place *p, const struct settings *s,
    const struct endpoint *e, enum slot_kind kind)
{
	struct sock_options o = place_options(s);
	struct addr_list list;

	p->settings = s;
	p->owner = getpid();
	if (addr_resolve_passive(e, &list) < 0 ||
	    sock_listen(&p->set, &list, &o) < 0)
		return -1;
	local_name_get(&p->local, &p->set.bound[0]);
	if (board_for(p, s) < 0)
		goto close;
	p->slot = board_claim(p->board, kind, s->name, 0);
	if (p->slot < 0)
		goto board;
	p->named = s->name || s->reuseport;
	memcpy(p->name, place_slot(p)->name, sizeof(p->name));
	board_set_sockets(p->board, p->slot, p->set.fd, p->set.count);
	return 0;
board:
	board_close(p->board);
close:
	sock_set_close(&p->set);
	local_name_remove(&p->local);
	return -1;
}

struct slot *
place_slot(struct place *p)
{
	return board_slot(p->board, p->slot);
}

static const char *
protocol_name(const struct place *p)
{
	if (p->set.bound[0].sa.sa_family == AF_UNIX)
		return p->settings->udp ? "unix datagram" : "unix";
	return p->settings->udp ? "udp" : "tcp";
}

/* How many processes take the port's traffic, this one included. */
static int
place_members(struct place *p)
{
	struct lookout l;
	struct members m;
	int count;

	lookout_open(&l);
	count = members_list(&l, p->board, p->settings->udp, &p->set, &m);
	lookout_close(&l);
	if (count >= 0)
		free(m.list);
	return count < 1 ? 1 : count;
}

void
place_tell(struct place *p, struct desk *d, int own)
{
	int members = 0, place;

	/* the sockets of a parent are those of its first worker */
	if (p->settings->reuseport)
		members = place_members(p) + own - 1;
	place = own > 1 ? members - own + 1 : members;

	if (*p->notice)
		desk_notice(d, p->notice);
	if (p->set.no_ipv6)
		desk_notice(d, "no IPv6 here: listening on IPv4 only");
	for (int i = 0; i < p->set.count; i++) {
		struct event e = {
			.kind = EVENT_LISTENING, .pid = getpid(),
			.name = p->named ? p->name : NULL,
			.protocol = protocol_name(p),
			.address = &p->set.bound[i],
			.reuseport = p->settings->reuseport,
			.members = members ? members : 1,
			.place = place, .own = own,
		};

		desk_tell(d, &e);
	}
}

void
place_close(struct place *p)
{
	board_close(p->board);
	if (p->owner == getpid())
		local_name_remove(&p->local);
}
