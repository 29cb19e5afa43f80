/*
 * How a relay's connection ends. A FIN says only that the peer sends no more;
 * the peer may still read. So a connection is over if the peer has ended and
 * one of these holds: input has ended, there is no input, or no process has the
 * peer's socket any more (peer_gone.h). --until changes this rule:
 * relay_conn_is_over().
 *
 *	state		what we do			what moves it on
 *	open		read the peer, send input; at	the peer's FIN: half
 *			input's end half-close (with	a failed write: broken
 *			-k only if input gave data)
 *	half		send input; poll the kernel if	over: finishing
 *			a process has the peer's socket	an error: closed
 *	broken		read the peer, send nothing	the peer's FIN: closed
 *	finishing	wait, all being sent; poll for	all ACKed, or cut off:
 *			the ACKs (with --until input	closed
 *			still read the peer)
 *
 * relay_close() frees the connection and its relay_conn from any state, and
 * reports what the peer did not get (relay_conn_loss()).
 */
#include "relay/relay.h"

#include <errno.h>
#include <stdlib.h>

#include "base/container.h"

enum {
	/* from one poll of the kernel to the next: doubles up to the limit */
	ASK_FIRST_US = 1000,
	ASK_MOST_US = 250 * 1000,
	ASK_MANY_US = 2000 * 1000,	/* the limit with -k: many may poll */
};

void
relay_close(struct relay *r, struct conn *c, enum reason reason, int error)
{
	struct relay_conn *link = relay_conn_of(c);
	struct relay_end end = { .reason = reason, .error = error };

	if (reason != REASON_CUT && reason != REASON_LOCAL)
		end.lost = relay_conn_loss(link, r->count == 1);
	if (reason == REASON_END && end.lost.bytes)
		end.reason = REASON_RESET;
	loop_timer_cancel(r->loop, &link->timer);
	loop_timer_cancel(r->loop, &link->ask);
	r->count--;
	if (r->ops->on_closed)
		r->ops->on_closed(r, c, &end);
	free(link);
	conn_free(c);
	if (!r->shared.in.source.watched || !r->count)
		relay_watch_input(r);
}

void
relay_close_all(struct relay *r, enum reason reason)
{
	while (r->conns)
		relay_close(r, r->conns, reason, 0);
}

void
relay_broke(struct relay *r, struct conn *c, int error)
{
	if (error == EPIPE)	/* Linux has this for a reset after a FIN */
		error = ECONNRESET;
	relay_close(r, c, error == ETIMEDOUT ? REASON_TIMEOUT : REASON_RESET,
	    error);
}

void
relay_hung_up(struct relay_conn *link, int error)
{
	struct relay *r = link->relay;
	bool last = r->count == 1;
	bool lost = relay_conn_loss(link, last).bytes > 0;

	/* relay_close() reports the bytes lost, which say more than "reset" */
	if (relay_conn_ended_in_order(link, error, last) ||
	    (lost && error != ETIMEDOUT))
		relay_close(r, link->conn, REASON_END, 0);
	else
		relay_broke(r, link->conn, error);
}

/* Sets the timer for the next poll: less and less often. */
static void
ask_again(struct relay_conn *link)
{
	struct relay *r = link->relay;
	int64_t most = r->options->keep ? ASK_MANY_US : ASK_MOST_US;

	link->pause = link->pause ? link->pause * 2 : ASK_FIRST_US;
	if (link->pause > most)
		link->pause = most;
	loop_timer_set(r->loop, &link->ask, loop_now() + link->pause);
}

/* The peer has ended: finds out if any process can still read input. */
static void
begin_half(struct relay_conn *link)
{
	struct relay *r = link->relay;

	link->asked = true;
	if (!relay_conn_is_over(link))
		relay_conn_ask(link);
	if (relay_conn_is_over(link))
		return;
	peer_keepalive(link->conn);
	if (r->ops->on_half)
		r->ops->on_half(r, link->conn);
}

int
relay_settle(struct relay_conn *link)
{
	struct conn *c = link->conn;

	if (link->broken && (c->read_ended || relay_conn_is_over(link))) {
		relay_broke(link->relay, c, link->broken);
		return -1;
	}
	if (c->read_ended && !link->asked)
		begin_half(link);
	if (!relay_conn_is_up_to_date(link))
		return relay_conn_watch(link);
	if (link->shut_due && !link->broken)
		relay_conn_shut(link);
	if (relay_conn_is_over(link)) {
		if (relay_conn_is_done(link)) {
			relay_close(link->relay, c, REASON_END, 0);
			return -1;
		}
		relay_conn_finish(link);
		relay_watch_input(link->relay);
	}
	if (relay_conn_must_ask(link) && !link->ask.at)
		ask_again(link);
	return relay_conn_watch(link);
}

void
relay_on_ask(struct timer *timer)
{
	struct relay_conn *link = container_of(timer, struct relay_conn, ask);
	int error = link->conn->read_ended ? conn_error(link->conn) : 0;

	if (error) {
		relay_hung_up(link, error);
		return;
	}
	if (link->conn->read_ended && !link->finishing)
		relay_conn_ask(link);
	relay_settle(link);
}
