/*
 * Makes connections of datagrams: one peer for each sender.
 *
 *	a peer		moves on when
 *	new		a sender's first datagram came: on_peer() takes it over
 *	open		on_evict(): over `limit`, the one silent longest goes;
 *			or its owner frees it
 *	full (Unix)	its queue has room again: open. After PATIENCE_US each
 *			of its datagrams is dropped at once, unless all peers
 *			are full
 *
 * udp_peers owns the sockets and reads them, a batch at a time. The owner of a
 * peer gets one datagram by conn_read(), inside on_event(). Writing uses the
 * peer's socket directly.
 */
#include "net/udp_peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "base/container.h"
#include "base/fail.h"
#include "net/accept_queue.h"
#include "net/udp_batch.h"

enum {
	BATCHES_A_DRAIN = 4,
	RETRY_US = 10 * 1000,
	PATIENCE_US = 200 * 1000,	/* for a full Unix queue */
};

struct peer {
	struct conn conn;	/* first: conn_free() frees a peer */
	struct udp_peers *all;
	struct peer_socket *socket;
	struct addr from;	/* our address for it; length 0: not known */
	int64_t full_since;	/* since when its Unix queue is full; 0: not */
	UT_hash_handle hh;
};

static ssize_t
peer_read(struct conn *c, void *room, size_t length)
{
	struct udp_peers *all = container_of(c, struct peer, conn)->all;

	if (!all->in_hand) {
		errno = EAGAIN;
		return -1;
	}
	all->in_hand = false;
	if (all->length > length) {
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(room, all->data, all->length);
	return (ssize_t)all->length;
}

static size_t
peer_pending(struct conn *c)
{
	struct udp_peers *all = container_of(c, struct peer, conn)->all;

	return all->in_hand ? all->length : 0;
}

static bool
is_local(const struct peer *p)
{
	return p->conn.peer.sa.sa_family == AF_UNIX;
}

static void
set_full(struct peer *p, int64_t since)
{
	p->all->full += (since != 0) - (p->full_since != 0);
	p->full_since = since;
}

/*
 * On a Unix socket EAGAIN means that the peer's queue is full until it reads.
 * If it does not read soon, its datagrams are dropped until it does, because
 * other peers wait for theirs; but not if all are full.
 */
static ssize_t
peer_write(struct conn *c, const void *data, size_t length)
{
	struct peer *p = container_of(c, struct peer, conn);
	ssize_t n = dgram_send(p->socket->source.fd, data, length, &c->peer,
	    &p->from);

	if (n >= 0 || errno != EAGAIN || !is_local(p))
		set_full(p, 0);
	else if (!p->full_since)
		set_full(p, loop_now());
	else if (p->all->full < p->all->count &&
	    loop_now() - p->full_since > PATIENCE_US)
		errno = ECOMM;
	return n;
}

/*
 * Watches for writing only, because udp_peers reads the sockets. For a Unix
 * socket epoll does not report that a peer has room: a timer tries again.
 */
static int
peer_watch(struct conn *c, uint32_t events)
{
	struct peer *p = container_of(c, struct peer, conn);

	if (is_local(p) || c->starved)
		return events & EPOLLOUT && !p->all->retry.at ?
		    loop_timer_set(p->all->loop, &p->all->retry, loop_now() +
		    (c->starved ? c->pause : RETRY_US)) : 0;
	if (events & EPOLLOUT && p->socket->source.watched)
		return loop_watch(p->all->loop, &p->socket->source,
		    EPOLLIN | EPOLLOUT);
	return 0;
}

static void
peer_close(struct conn *c)
{
	struct peer *p = container_of(c, struct peer, conn);

	set_full(p, 0);
	HASH_DEL(p->all->table, p);
	p->all->count--;
}

static const struct conn_ops conn_peer = {
	.datagram = true,
	.read = peer_read,
	.pending = peer_pending,
	.write = peer_write,
	.watch = peer_watch,
	.close = peer_close,
};

static struct peer *
peer_find(struct udp_peers *all, const struct addr *from)
{
	struct peer *p;

	HASH_FIND(hh, all->table, from, sizeof(*from), p);
	return p;
}

static void
evict_silent(struct udp_peers *all)
{
	struct peer *oldest = all->table;

	for (struct peer *p = all->table; p; p = p->hh.next)
		if (p->conn.active < oldest->conn.active)
			oldest = p;
	if (oldest)
		all->on_evict(all, &oldest->conn);
}

static struct peer *
peer_new(struct udp_peers *all, struct peer_socket *socket,
    const struct addr *from, const struct addr *to)
{
	struct peer *p;

	if ((all->lock && all->locked) || !all->admits(all, from))
		return NULL;
	if (all->count >= all->limit)
		evict_silent(all);
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->conn.source.fd = -1;
	p->conn.ops = &conn_peer;
	p->conn.loop = all->loop;
	p->conn.opened = p->conn.active = loop_now();
	p->conn.peer = *from;
	p->all = all;
	p->socket = socket;
	p->from = *to;
	HASH_ADD(hh, all->table, conn.peer, sizeof(p->conn.peer), p);
	all->count++;
	all->locked = true;
	if (all->on_peer(all, &p->conn) == 0)
		return p;
	conn_free(&p->conn);
	return NULL;
}

/* Gives a datagram to its sender's peer. */
static void
hand_over(struct udp_peers *all, struct peer_socket *socket,
    const struct dgram *d)
{
	size_t pieces = dgram_pieces(d);

	for (size_t i = 0; i < pieces && all->dgrams; i++) {
		struct peer *p = peer_find(all, &d->from);

		if (!p)
			p = peer_new(all, socket, &d->from, &d->to);
		if (!p)
			continue;
		all->taken++;
		all->data = dgram_piece(d, i, &all->length);
		all->in_hand = true;
		p->conn.on_event(&p->conn, EPOLLIN);
		all->in_hand = false;
	}
}

static void
on_peers_rested(struct backoff *b)
{
	struct peer_socket *socket = container_of(b, struct peer_socket,
	    backoff);

	/* EPOLLOUT: a write may have become possible during the rest */
	loop_watch(socket->all->loop, &socket->source, EPOLLIN | EPOLLOUT);
}

static void
peers_receive_failed(struct udp_peers *all, struct peer_socket *socket)
{
	if (backoff_failed(&socket->backoff, all->loop) != BACKOFF_REST)
		return;
	fail("receive");
	loop_del(all->loop, &socket->source);
	if (backoff_is_due(&all->reported))
		all->on_exhausted(all);
}

/* Takes a batch; returns whether more may be queued. */
static bool
take_some(struct udp_peers *all, struct peer_socket *socket)
{
	struct udp_batch *d = all->dgrams;
	int n = udp_batch_receive(d, socket->source.fd, DGRAM_BATCH);

	if (n < 0) {
		peers_receive_failed(all, socket);
		return false;
	}
	backoff_worked(&socket->backoff);
	while (udp_batch_losses_due(d))
		all->on_cut(all);
	all->on_batch(all, true);
	for (int i = 0; all->dgrams && i < d->count; i++)
		hand_over(all, socket, &d->at[i]);
	all->on_batch(all, false);
	return all->dgrams && n == d->most;
}

static void
wake_writers(struct udp_peers *all, struct peer_socket *socket)
{
	struct peer *p, *next;

	loop_watch(all->loop, &socket->source, EPOLLIN);
	HASH_ITER(hh, all->table, p, next)
		if (p->socket == socket)
			p->conn.on_event(&p->conn, EPOLLOUT);
}

static void
on_write_retry(struct timer *t)
{
	struct udp_peers *all = container_of(t, struct udp_peers, retry);
	struct peer *p, *next;

	HASH_ITER(hh, all->table, p, next)
		p->conn.on_event(&p->conn, EPOLLOUT);
}

static void
on_peer_socket(struct source *source, uint32_t events)
{
	struct peer_socket *socket = container_of(source, struct peer_socket,
	    source);
	struct udp_peers *all = socket->all;

	if (events & EPOLLOUT)
		wake_writers(all, socket);
	if (!all->ready(all))
		loop_del(all->loop, source);
	else
		take_some(all, socket);
}

int
udp_peers_open(struct udp_peers *all, struct loop *l,
    const struct sock_set *set)
{
	all->loop = l;
	all->locked = false;
	all->retry.on_timer = on_write_retry;
	all->dgrams = udp_batch_new(set->fd[0]);
	if (!all->dgrams)
		return -1;
	for (int i = 0; i < set->count; i++) {
		struct peer_socket *s = &all->sockets[all->socket_count++];

		*s = (struct peer_socket){ .all = all, .bound = set->bound[i] };
		s->source.fd = set->fd[i];
		s->source.on_event = on_peer_socket;
		s->backoff.on_end = on_peers_rested;
		all->lost -= listener_drops(set->fd[i]);
		if (loop_watch(l, &s->source, EPOLLIN) < 0)
			return -1;
	}
	return 0;
}

void
udp_peers_pause(struct udp_peers *all)
{
	for (int i = 0; i < all->socket_count; i++)
		loop_del(all->loop, &all->sockets[i].source);
}

void
udp_peers_resume(struct udp_peers *all)
{
	for (int i = 0; i < all->socket_count; i++) {
		struct peer_socket *s = &all->sockets[i];

		if (!s->source.watched && !backoff_rests(&s->backoff))
			/* output: a peer may have been full in between */
			loop_watch(all->loop, &s->source, EPOLLIN | EPOLLOUT);
	}
}

void
udp_peers_drain(struct udp_peers *all)
{
	for (int i = 0; i < all->socket_count; i++)
		for (int n = 0; n < BATCHES_A_DRAIN && all->ready(all); n++)
			if (!take_some(all, &all->sockets[i]))
				break;
}

void
udp_peers_close(struct udp_peers *all)
{
	loop_timer_cancel(all->loop, &all->retry);
	for (int i = 0; i < all->socket_count; i++) {
		backoff_cancel(&all->sockets[i].backoff, all->loop);
		loop_del(all->loop, &all->sockets[i].source);
		all->lost += listener_drops(all->sockets[i].source.fd);
		close(all->sockets[i].source.fd);
	}
	all->socket_count = 0;
	while (all->dgrams && udp_batch_losses_rest(all->dgrams))
		all->on_cut(all);
	free(all->dgrams);
	all->dgrams = NULL;
}
