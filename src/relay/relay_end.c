/*
 * How a connection ends. A FIN says only that the peer sends no more; it may
 * read on. So a connection is over when the peer has ended and input has
 * ended, or there is no input, or the peer is gone (--until may say otherwise:
 * relay_conn_is_over()).
 *
 *	state		what is done			what ends it
 *	open		read, sent input		the peer's end: half
 *			(input's end: half-closed,	a failed write: broken
 *			 unless -k and it was empty)
 *	half		sent input; the kernel is asked	over: finishing
 *			if anybody has its socket	an error: closed
 *	broken		read, sent nothing		the peer's end: closed
 *	finishing	nothing (--until input: read)	all is acknowledged:
 *							closed
 *
 * The close reports what the peer did not get by then (relay_conn_loss()).
 */
#include "relay/relay.h"

#include <errno.h>
#include <stdlib.h>

#include "base/container.h"

enum {
	/* from one question to the kernel to the next */
	ASK_FIRST_US = 1000,
	ASK_MOST_US = 250 * 1000,
	ASK_MANY_US = 2000 * 1000,	/* where there may be many */
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
	if (error == EPIPE)	/* a reset after the peer's end */
		error = ECONNRESET;
	relay_close(r, c, error == ETIMEDOUT ? REASON_TIMEOUT : REASON_RESET,
	    error);
}

/* After the peer's end: an error, or a hang-up, of its socket. */
void
relay_hung_up(struct relay_conn *link, int error)
{
	struct relay *r = link->relay;
	bool last = r->count == 1;
	bool lost = relay_conn_loss(link, last).bytes > 0;

	/* the amount lost is more useful than the word reset */
	if (relay_conn_ended_in_order(link, error, last) ||
	    (lost && error != ETIMEDOUT))
		relay_close(r, link->conn, REASON_END, 0);
	else
		relay_broke(r, link->conn, error);
}

/* No event reports this, so the kernel is polled, less and less often. */
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

/* The peer has ended. Is anybody there to read what input gives? */
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
