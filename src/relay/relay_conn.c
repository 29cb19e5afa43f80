#include "relay/relay_conn.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

struct relay_conn *
relay_conn_of(const struct conn *c)
{
	return c->user;
}

static uint64_t
relay_conn_owed(const struct relay_conn *link)
{
	uint64_t end = relay_conn_takes_input(link) ? link->shared->ring.head :
	    link->end;

	return end - link->sent;
}

uint64_t
relay_conn_unsent(const struct relay_conn *link)
{
	return link->broken ? 0 : relay_conn_owed(link);
}

uint64_t
relay_conns_unsent(const struct conn *list, bool most)
{
	uint64_t best = most ? 0 : UINT64_MAX;

	for (const struct conn *c = list; c; c = c->next) {
		uint64_t n = relay_conn_unsent(relay_conn_of(c));

		if (most ? n > best
			 : n < best && relay_conn_takes_input(relay_conn_of(c)))
			best = n;
	}
	return best;
}

bool
relay_conn_is_up_to_date(const struct relay_conn *link)
{
	return link->broken || (!relay_conn_owed(link) && !link->conn->queued);
}

bool
relay_conn_takes_input(const struct relay_conn *link)
{
	return !link->broken && !link->finishing;
}

/* After both directions have ended EPOLLHUP is always set: don't watch. */
int
relay_conn_watch(struct relay_conn *link)
{
	struct conn *c = link->conn;
	uint32_t events = 0;

	if (link->finishing && c->read_ended) {
		loop_del(c->loop, &c->source);
		return 0;
	}
	if (!c->read_ended && !link->blocked)
		events |= EPOLLIN;
	if (!relay_conn_is_up_to_date(link) || link->stalled)
		events |= EPOLLOUT;
	return c->ops->watch(c, events);
}

int
relay_conn_break(struct relay_conn *link)
{
	link->broken = errno;
	link->end = link->shared->ring.head;
	return -1;
}

int
relay_conn_send(struct relay_conn *link)
{
	size_t piece;

	if (link->conn->queued && conn_flush(link->conn) < 0)
		return relay_conn_break(link);
	if (link->conn->queued)
		return 0;
	while (relay_conn_unsent(link) > 0) {
		const char *data = ring_at(&link->shared->ring, link->sent,
		    &piece);
		ssize_t n = conn_write(link->conn, data, piece);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return conn_would_wait(link->conn) ? 0 :
			    relay_conn_break(link);
		link->sent += (uint64_t)n;
	}
	return 0;
}

void
relay_conn_shut(struct relay_conn *link)
{
	if (link->conn->write_ended)
		return;
	link->fin = link->conn->ops->shut(link->conn) == 0;
	link->conn->write_ended = true;
}

void
relay_conn_finish(struct relay_conn *link)
{
	relay_conn_shut(link);
	if (relay_conn_takes_input(link))
		link->end = link->shared->ring.head;
	link->finishing = true;
}

enum zerocopy_result
relay_conn_pump(struct relay_conn *link, struct zerocopy *path, int fd)
{
	enum zerocopy_result result = zerocopy_in(path, fd, link->conn);

	if (result != ZEROCOPY_MOVED)
		link->stalled = result == ZEROCOPY_FULL;
	if (result == ZEROCOPY_CONN_FAILED)
		relay_conn_break(link);
	return result;
}

void
relay_conn_block(struct relay_conn *link, bool hung_up)
{
	link->blocked = true;
	if (hung_up)
		loop_del(link->conn->loop, &link->conn->source);
	else
		relay_conn_watch(link);
}

/*
 * After the peer's end: whether input may still give data for it. A terminal
 * has no end of its own, so only what is typed already counts.
 */
static bool
awaits_input(const struct relay_conn *link)
{
	const struct input *in = &link->shared->in;

	if (in->none || in->ended || link->conn->write_ended || link->gone)
		return false;
	if (link->shared->until == UNTIL_PEER || in->terminal)
		return input_is_ready(in->source.fd);
	return true;
}

bool
relay_conn_is_over(const struct relay_conn *link)
{
	if (link->conn->read_ended)
		return !awaits_input(link);
	return link->shared->until == UNTIL_INPUT && link->shared->in.ended;
}

/* Bytes not sent or not acknowledged, our FIN included (tcp(7), SIOCOUTQ). */
static uint64_t
unacknowledged(const struct relay_conn *link)
{
	int n = 0;

	/* a Unix socket writes into the peer's queue at once */
	if (!peer_is_tcp(link->conn) ||
	    ioctl(link->conn->source.fd, SIOCOUTQ, &n) < 0 || n < 0)
		return 0;
	return (uint64_t)n;
}

bool
relay_conn_is_done(const struct relay_conn *link)
{
	return unacknowledged(link) == 0 || peer_is_cut_off(link->conn);
}

void
relay_conn_ask(struct relay_conn *link)
{
	enum peer_state state = peer_state(&link->shared->peers, link->conn);

	/* a peer that was listed, and is no longer, is gone as well */
	link->gone = state == PEER_ORPHAN ||
	    (state == PEER_ABSENT && link->there);
	link->there = state == PEER_THERE;
}

bool
relay_conn_must_ask(const struct relay_conn *link)
{
	return link->finishing || link->there;
}

struct loss
relay_conn_loss(const struct relay_conn *link, bool last)
{
	const struct input *in = &link->shared->in;
	const struct conn *c = link->conn;
	uint64_t n = unacknowledged(link);
	struct loss loss = { 0 };

	if (c->ops->datagram)
		return loss;
	if (n && link->fin)
		n--;
	loss.bytes = relay_conn_owed(link) + c->queued + n;
	if (last && !link->shared->keep && !in->none && !in->ended &&
	    (link->gone || !c->write_ended))
		input_left(in->source.fd, &loss);
	return loss;
}

bool
relay_conn_ended_in_order(const struct relay_conn *link, int error, bool last)
{
	if (relay_conn_loss(link, last).bytes)
		return false;
	/* any other error: it may not have read what its kernel ACKed */
	return !error || peer_was_probed(link->conn);
}
