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
 *			-k only if input gave data)	over: finishing
 *	half		send input; poll the kernel	over: finishing
 *			while its last answer was that	a failed write: closed
 *			a process has the peer's socket
 *	broken		read the peer, send nothing	over, the peer's FIN, or
 *							it is not the peer who
 *							has ended: closed
 *	finishing	wait, all being sent; poll for	all ACKed, or cut off:
 *			the ACKs (with --until input	closed
 *			still read the peer)
 *
 * A connection that is over is first sent all that it is owed. If that is ACKed
 * by then, it goes to closed at once, without finishing. From any state it goes
 * to closed by an error of its socket, by --idle-timeout, or because it is too
 * slow. relay_close() frees it and its relay_conn, and reports what the peer
 * did not get (relay_conn_loss()). If there is input that the peer did not get,
 * or out lost what it sent, it closes by a reset, not by a FIN.
 */
#include "relay/relay_internal.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/container.h"
#include "net/sockopt.h"

enum {
	/* from one poll of the kernel to the next: doubles up to the limit */
	ASK_FIRST_US = 1000,
	ASK_MOST_US = 250 * 1000,
	ASK_MANY_US = 2000 * 1000,	/* the limit with -k: many may poll */
	VANISHED_US = 20 * 1000,	/* within it, a reset arrives on a host */
};

/* Whether nothing that can be read from input now is for the peers. */
static bool
relay_has_no_input(const struct relay *r)
{
	return r->in.none || r->in.ended || input_is_withheld(&r->in);
}

/*
 * After the peer's end: whether input may still give data for it. A terminal
 * has no end of its own, so only what is typed already counts.
 */
static bool
relay_conn_awaits_input(const struct relay_conn *rc)
{
	const struct relay *r = rc->relay;

	if (relay_has_no_input(r) || rc->conn->write_ended || rc->gone)
		return false;
	if (r->options->until == UNTIL_PEER || r->in.terminal)
		return r->in.length || input_is_ready(r->in.source.fd);
	return true;
}

/* Whether a connection that is up to date is over, by the rule of --until. */
static bool
relay_conn_is_over(const struct relay_conn *rc)
{
	const struct relay *r = rc->relay;

	if (rc->conn->read_ended)
		return !relay_conn_awaits_input(rc);
	return r->options->until == UNTIL_INPUT && r->in.ended;
}

/* Bytes not sent or not acknowledged, our FIN included (tcp(7), SIOCOUTQ). */
static uint64_t
relay_conn_unacknowledged(const struct relay_conn *rc)
{
	int n = 0;

	/* a Unix socket writes into the peer's queue at once */
	if (!peer_is_tcp(rc->conn) ||
	    ioctl(rc->conn->source.fd, SIOCOUTQ, &n) < 0 || n < 0)
		return 0;
	return (uint64_t)n;
}

/* Whether the peer's kernel has acknowledged all, or never will. */
static bool
relay_conn_is_done(const struct relay_conn *rc)
{
	return relay_conn_unacknowledged(rc) == 0 ||
	    peer_is_cut_off(rc->conn);
}

/*
 * The bytes that the peer did not get. Unread input counts as well, if no other
 * connection can take it.
 */
static struct loss
relay_conn_loss(const struct relay_conn *rc)
{
	const struct relay *r = rc->relay;
	const struct conn *c = rc->conn;
	uint64_t n = relay_conn_unacknowledged(rc);
	struct loss loss = { 0 };

	if (c->ops->datagram)
		return loss;
	if (n && rc->fin)
		n--;
	if (n && c->ops->payload) {
		n = c->ops->payload(c, n);
		loss.at_least = n > 0;
	}
	loss.bytes = relay_conn_owed(rc) + c->queued + n;
	if (r->count == 1 && !r->options->keep && !relay_has_no_input(r) &&
	    (rc->gone || !c->write_ended)) {
		loss.bytes += r->in.length;
		input_left(r->in.source.fd, &loss);
	}
	return loss;
}

/* Whether input that this connection would be sent is not sent. */
static bool
relay_conn_lacks_input(const struct relay_conn *rc)
{
	const struct relay *r = rc->relay;
	struct loss left = { 0 };

	if (relay_conn_owed(rc) || rc->conn->queued)
		return true;
	if (rc->conn->write_ended || !relay_conn_takes_input(rc))
		return false;
	if (relay_has_no_input(r) || r->in.failed)
		return r->in.failed;
	input_left(r->in.source.fd, &left);
	return r->in.length || left.bytes;
}

/*
 * Whether the peer would take a FIN for more than it is: it did not get all, or
 * what it sent is lost here. Under TLS the missing close_notify says the first.
 * An end in order leaves to out what it has not taken yet.
 */
static bool
relay_conn_is_cut_short(const struct relay_conn *rc, enum reason reason)
{
	const struct conn *c = rc->conn;
	const struct sink *out = rc->relay->out;

	if (c->ops->datagram)
		return false;
	if (c->in && (out->failed || (reason != REASON_END && sink_full(out))))
		return true;
	return !c->ops->finish && relay_conn_lacks_input(rc);
}

/* An end of ours is an orderly one if all input has been sent. */
static void
relay_conn_end_in_order(struct relay_conn *rc)
{
	const struct relay *r = rc->relay;

	if (relay_conn_is_up_to_date(rc) && relay_has_no_input(r))
		conn_finish(rc->conn);
}

void
relay_close(struct relay *r, struct conn *c, enum reason reason, int error)
{
	struct relay_conn *rc = relay_conn_of(c);
	struct relay_end end = { .reason = reason, .error = error };

	if (reason != REASON_CUT && reason != REASON_LOCAL)
		end.lost = relay_conn_loss(rc);
	if (reason == REASON_LOCAL)
		relay_conn_end_in_order(rc);
	if (reason == REASON_END && end.lost.bytes)
		end.reason = REASON_RESET;
	else if (reason == REASON_END && c->truncated)
		end.reason = REASON_TRUNCATED;
	/* out may still say that it has not all, before our FIN says it has */
	if (reason == REASON_END && !r->options->keep)
		sink_settle(r->out);
	if (relay_conn_is_cut_short(rc, reason))
		sock_reset_at_close(c->source.fd);
	loop_timer_cancel(r->loop, &rc->timer);
	loop_timer_cancel(r->loop, &rc->ask);
	r->count--;
	if (r->ops->on_closed)
		r->ops->on_closed(r, c, &end);
	free(rc);
	conn_free(c);
	if (!r->in.source.watched || !r->count)
		relay_watch_input(r);
}

void
relay_close_all(struct relay *r, enum reason reason)
{
	while (r->conns)
		relay_close(r, r->conns, reason, 0);
}

void
relay_input_failed(struct relay *r)
{
	struct conn *c, *next;

	r->in.failed = true;
	if (r->ops->on_input_fail)
		r->ops->on_input_fail(r);
	for (c = r->conns; c && !r->datagram; c = next) {
		next = c->next;
		if (!c->write_ended && (!r->options->keep || r->in.gave))
			relay_close(r, c, REASON_LOCAL, 0);
	}
}

/* A reset tells the peer that this is not the end of the data. */
void
relay_broke(struct relay_conn *rc, int error)
{
	sock_reset_at_close(rc->conn->source.fd);
	if (error == EPIPE)	/* Linux has this for a reset after a FIN */
		error = ECONNRESET;
	relay_close(rc->relay, rc->conn, error == ETIMEDOUT ?
	    REASON_TIMEOUT : REASON_RESET, error);
}

/*
 * An orderly end: the peer had all, and there is no error, or only the one that
 * answers a keepalive probe. After another error it may not have read what its
 * kernel acknowledged. Bytes that are lost relay_close() reports, which says
 * more than "reset".
 */
void
relay_hung_up(struct relay_conn *rc, int error)
{
	bool lost = relay_conn_loss(rc).bytes > 0;

	if (lost ? error != ETIMEDOUT : !error || peer_was_probed(rc->conn))
		relay_close(rc->relay, rc->conn, REASON_END, 0);
	else
		relay_broke(rc, error);
}

/*
 * After the peer's end: polls whether any process has its socket. A peer that
 * was listed, and is no longer, is gone as well; but the kernel takes it off the
 * list before it sends a reset. So the next poll decides, which looks for an
 * error first.
 */
static void
relay_conn_ask(struct relay_conn *rc)
{
	enum peer_state state = peer_state(&rc->relay->peers, rc->conn);

	rc->gone = state == PEER_ORPHAN ||
	    (state == PEER_ABSENT && rc->vanished);
	rc->vanished = state == PEER_ABSENT && rc->there;
	rc->there = state == PEER_THERE;
}

/* Sets the timer for the next poll: less and less often. */
static void
relay_conn_ask_again(struct relay_conn *rc)
{
	struct relay *r = rc->relay;
	int64_t most = r->options->keep ? ASK_MANY_US : ASK_MOST_US;

	rc->pause = rc->pause ? rc->pause * 2 : ASK_FIRST_US;
	if (rc->pause > most)
		rc->pause = most;
	loop_timer_set(r->loop, &rc->ask, loop_now() +
	    (rc->vanished ? VANISHED_US : rc->pause));
}

/* The peer has ended: finds out if any process can still read input. */
static void
relay_conn_begin_half(struct relay_conn *rc)
{
	struct relay *r = rc->relay;

	rc->asked = true;
	if (!relay_conn_is_over(rc))
		relay_conn_ask(rc);
	if (relay_conn_is_over(rc))
		return;
	peer_keepalive(rc->conn);
	if (r->ops->on_half)
		r->ops->on_half(r, rc->conn);
}

/* Half-closes: sends a FIN, once, or none with --no-shutdown. */
static void
relay_conn_shut(struct relay_conn *rc)
{
	struct conn *c = rc->conn;
	int result = -1;

	if (c->write_ended)
		return;
	if (!rc->relay->options->no_shutdown && c->ops->shut)
		result = conn_shut(c);
	rc->fin = result == 0;
	c->write_ended = result <= 0;
}

/* Half-closes a connection that is over: it gets no later input. */
static void
relay_conn_finish(struct relay_conn *rc)
{
	relay_conn_shut(rc);
	if (relay_conn_takes_input(rc))
		rc->end = rc->relay->ring.head;
	rc->finishing = true;
	relay_watch_input(rc->relay);
}

int
relay_conn_watch_or_close(struct relay_conn *rc)
{
	if (relay_conn_watch(rc) == 0)
		return 0;
	relay_broke(rc, errno);
	return -1;
}

/* Whether a write failed because the peer had ended: its data may be here. */
static bool
relay_conn_peer_ended(const struct relay_conn *rc)
{
	return rc->broken == EPIPE || rc->broken == ECONNRESET ||
	    rc->broken == ETIMEDOUT;
}

int
relay_settle(struct relay_conn *rc)
{
	struct conn *c = rc->conn;

	if (rc->broken && (c->read_ended || relay_conn_is_over(rc) ||
	    !relay_conn_peer_ended(rc))) {
		relay_broke(rc, rc->broken);
		return -1;
	}
	if (c->read_ended && !rc->asked)
		relay_conn_begin_half(rc);
	if (!relay_conn_is_up_to_date(rc))
		return relay_conn_watch_or_close(rc);
	if ((rc->shut_due || rc->finishing) && !rc->broken)
		relay_conn_shut(rc);
	if (relay_conn_is_over(rc)) {
		if (conn_finish(c) > 0)
			return relay_conn_watch_or_close(rc);
		if (relay_conn_is_done(rc)) {
			relay_close(rc->relay, c, REASON_END, 0);
			return -1;
		}
		relay_conn_finish(rc);
	}
	/* no event reports what these wait for */
	if ((rc->finishing || rc->there || rc->vanished) && !rc->ask.at)
		relay_conn_ask_again(rc);
	return relay_conn_watch_or_close(rc);
}

void
relay_on_ask(struct timer *timer)
{
	struct relay_conn *rc = container_of(timer, struct relay_conn, ask);
	int error = rc->conn->read_ended ? conn_error(rc->conn) : 0;

	if (error) {
		relay_hung_up(rc, error);
		return;
	}
	if (rc->conn->read_ended && !rc->finishing)
		relay_conn_ask(rc);
	relay_settle(rc);
}
