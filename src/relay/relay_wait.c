/*
 * Decides the events that a relay waits for. Each connection has a state for
 * each direction, and waits for the events of both:
 *
 *	to the peer	entered when			waits for
 *	up to date	it is owed nothing		input
 *	behind		its socket takes no more	EPOLLOUT
 *	stalled		the same, with zerocopy: input	EPOLLOUT
 *			is not read meanwhile
 *	broken		a write failed			-
 *	finishing	it gets no later input		relay_end.c's timer
 *
 *	from the peer	entered when			waits for
 *	read		it opened			EPOLLIN
 *	blocked		out takes no more		relay_resume()
 *	ended		the peer's end came		-
 *
 * Errors and hang-ups come in any state. They can't be masked, so a connection
 * that has hung up while it is blocked, or is finishing after the peer's end,
 * is not watched at all.
 *
 * Input is read only while the fastest connection is nearly up to date: one
 * connection so gets plain flow control, and many still need no more memory
 * than one ring.
 */
#include "relay/relay_internal.h"

#include <sys/epoll.h>

/* While even the fastest connection is owed so much, input is not read. */
enum { PACE = 256 * 1024 };

struct relay_conn *
relay_conn_of(const struct conn *c)
{
	return c->user;
}

bool
relay_conn_takes_input(const struct relay_conn *rc)
{
	return !rc->broken && !rc->finishing;
}

uint64_t
relay_conn_owed(const struct relay_conn *rc)
{
	uint64_t end = relay_conn_takes_input(rc) ? rc->relay->ring.head :
	    rc->end;

	return end - rc->sent;
}

uint64_t
relay_conn_unsent(const struct relay_conn *rc)
{
	return rc->broken ? 0 : relay_conn_owed(rc);
}

bool
relay_conn_is_up_to_date(const struct relay_conn *rc)
{
	return rc->broken || (!relay_conn_owed(rc) && !rc->conn->queued);
}

/* After both directions have ended EPOLLHUP is always set: don't watch. */
int
relay_conn_watch(struct relay_conn *rc)
{
	struct conn *c = rc->conn;
	uint32_t events = 0;

	if (rc->finishing && c->read_ended && !c->shut_waits) {
		loop_del(c->loop, &c->source);
		return 0;
	}
	if (!c->read_ended && !rc->blocked)
		events |= EPOLLIN;
	if (!relay_conn_is_up_to_date(rc) || rc->stalled || c->shut_waits)
		events |= EPOLLOUT;
	return c->ops->watch(c, events);
}

struct relay_conn *
relay_direct(const struct relay *r)
{
	const struct conn *c = r->count == 1 ? r->conns : NULL;

	if (!c || r->options->delay ||
	    r->zerocopy_in.kind == ZEROCOPY_BUFFER || r->in.ended ||
	    !c->ops->direct || !relay_conn_takes_input(relay_conn_of(c)))
		return NULL;
	return relay_conn_of(c);
}

/* The ring holds only one datagram: all must have sent it. */
static bool
relay_has_room(const struct relay *r)
{
	const struct relay_conn *only = relay_direct(r);
	bool room = r->records;

	if (only)
		return relay_conn_is_up_to_date(only) && !only->stalled;
	for (const struct conn *c = r->conns; c; c = c->next) {
		const struct relay_conn *rc = relay_conn_of(c);
		uint64_t unsent = relay_conn_unsent(rc);

		if (r->records && unsent)
			return false;
		room |= relay_conn_takes_input(rc) && unsent < PACE;
	}
	return room;
}

void
relay_watch_input(struct relay *r)
{
	bool wanted = r->count && !r->in.ended && !r->in.none &&
	    relay_has_room(r) && !(r->shown && sink_full(r->shown));
	bool later = r->options->delay && (input_has_line(&r->in) ||
	    loop_now() < r->in.next);

	if (wanted && later)
		loop_timer_set(r->loop, &r->in.pause, r->in.next);
	else
		loop_timer_cancel(r->loop, &r->in.pause);
	if (wanted && !later)
		loop_watch(r->loop, &r->in.source, EPOLLIN);
	else
		loop_del(r->loop, &r->in.source);
}
