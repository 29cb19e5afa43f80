/* When a relay reads its input, and whether by zerocopy or into the ring. */
#include "relay/relay.h"

#include <sys/epoll.h>

/* While even the fastest connection is owed so much, input is not read. */
enum { PACE = 256 * 1024 };

struct relay_conn *
relay_direct(const struct relay *r)
{
	const struct conn *c = r->count == 1 ? r->conns : NULL;

	if (!c || r->zerocopy_in.kind == ZEROCOPY_BUFFER ||
	    r->shared.in.ended || !c->ops->direct ||
	    !relay_conn_takes_input(relay_conn_of(c)))
		return NULL;
	return relay_conn_of(c);
}

void
relay_watch_input(struct relay *r)
{
	bool wanted = r->count && !r->shared.in.ended && !r->shared.in.none;
	const struct relay_conn *only = relay_direct(r);

	if (wanted && r->datagram)
		wanted = relay_conns_unsent(r->conns, true) == 0;
	else if (wanted && only)
		wanted = relay_conn_is_up_to_date(only) && !only->stalled;
	else if (wanted)
		wanted = relay_conns_unsent(r->conns, false) < PACE;
	if (!wanted)
		loop_del(r->loop, &r->shared.in.source);
	else
		loop_watch(r->loop, &r->shared.in.source, EPOLLIN);
}
