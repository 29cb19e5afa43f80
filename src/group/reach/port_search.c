#include "group/reach/port_search.h"

#include <netinet/tcp.h>

enum {
	TRIES_IN_A_ROW = 32,	/* adjacent ports; then it jumps elsewhere */
	TRIES_EVEN = 1024,	/* before odd ports are tried, too */
	PORTS_MOST = 4096,	/* without a plan: 40 ms of asking */
};

void
port_search_init(struct port_search *s)
{
	*s = (struct port_search){ .protocol = IPPROTO_TCP };
	ephemeral_ports_init(&s->ports);
}

void
port_search_begin(struct port_search *s)
{
	s->asked = 0;
}

static uint16_t
choose_port(struct port_search *s, const struct addr *ours)
{
	struct addr from = *ours;

	addr_set_port(&from, 0);
	if (!s->port || addr_equal(&from, &s->port_first)) {
		s->port = ephemeral_ports_next(&s->ports);
		s->port_first = from;
	}
	return s->port;
}

int
port_search_ask(struct port_search *s, const struct addr *ours, uint64_t *inode)
{
	bool datagram = s->protocol == IPPROTO_UDP;
	struct diag_sock found;
	int got = sock_diag_get(s->diag, s->protocol, &s->target, ours, &found);

	*inode = 0;
	if (got > 0 && (datagram || found.state == TCP_LISTEN))
		*inode = found.inode;
	return got < 0 ? -1 : got;
}

/* connect(2) uses adjacent even ports: goes past a run in use. */
static void
port_pass(struct port_search *s)
{
	if (s->asked % TRIES_IN_A_ROW == 0)
		ephemeral_ports_jump(&s->ports, s->asked > TRIES_EVEN);
	s->port = 0;
}

int
port_search_next(struct port_search *s, struct addr *ours, uint64_t *inode)
{
	int most = s->plan ? port_plan_ports(s->plan) : PORTS_MOST;

	/* the last one could not be used after all */
	if (s->asked)
		port_pass(s);
	while (s->asked < most) {
		int got;

		s->asked++;
		addr_set_port(ours, choose_port(s, ours));
		got = port_search_ask(s, ours, inode);
		if (got <= 0)
			return -1;
		if (*inode && (!s->plan || port_plan_wants(s->plan, *inode)))
			return 1;
		port_pass(s);
	}
	return 0;
}
