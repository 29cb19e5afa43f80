/*
 * How it works: a client that waits to be accepted is a connection without an
 * inode. The kernel lists it under the port, but not which listener has it. The
 * length of each listener's queue is known. So a client is in one of the queues
 * that are not empty and take its address; if there is only one, it is there.
 *
 * A queue is first in, first out. If a listener accepts nothing, all clients of
 * the first snapshot are still there in the last. So if fewer clients stayed
 * than the queues that never shrank had at first, some of these listeners are
 * only busy, and it is not known which.
 */
#include "probe/inspect/snapshot.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

enum {
	BOUND_INACTIVE = 13,		/* TCP_BOUND_INACTIVE, since 6.8 */
	STATES = 1 << TCP_LISTEN | 1 << TCP_ESTABLISHED | 1 << TCP_CLOSE_WAIT |
	    1 << BOUND_INACTIVE,
};

static int
sockets_add(struct port_sockets *p, const struct diag_sock *d)
{
	struct diag_sock *list = realloc(p->list,
	    (size_t)(p->count + 1) * sizeof(*list));

	if (!list)
		return -1;
	p->list = list;
	p->list[p->count++] = *d;
	return 0;
}

static int
snapshot_add(const struct diag_sock *d, void *arg)
{
	struct snapshot *s = arg;

	if (port_socket_listens(d))
		return sockets_add(&s->listening, d);
	if (d->protocol == IPPROTO_UDP)
		return 0;
	if (d->state == TCP_CLOSE)
		return sockets_add(&s->bound, d);
	return d->inode ? 0 : sockets_add(&s->waiting, d);
}

int
snapshot_take(struct snapshot *s, struct sock_diag *diag, bool datagram,
    uint16_t port)
{
	*s = (struct snapshot){ .listening.datagram = datagram };
	if (sock_diag_dump(diag, datagram ? IPPROTO_UDP : IPPROTO_TCP,
	    datagram ? 1 << TCP_CLOSE : STATES, port, snapshot_add, s) >= 0)
		return 0;
	snapshot_free(s);
	return -1;
}

void
snapshot_free(struct snapshot *s)
{
	free(s->listening.list);
	free(s->bound.list);
	free(s->waiting.list);
	*s = (struct snapshot){ 0 };
}

static const struct diag_sock *
socket_find(const struct port_sockets *p, uint64_t cookie)
{
	for (int i = 0; i < p->count; i++)
		if (p->list[i].cookie == cookie)
			return &p->list[i];
	return NULL;
}

const struct diag_sock *
snapshot_find(const struct snapshot *s, uint64_t cookie)
{
	return socket_find(&s->listening, cookie);
}

/* The first length of a queue that never shrank; otherwise 0. */
static uint32_t
queue_held(const struct snapshot *snapshots, int n, uint64_t cookie)
{
	uint32_t before = 0, first = 0;

	for (int i = 0; i < n; i++) {
		const struct diag_sock *d = snapshot_find(&snapshots[i],
		    cookie);

		if (!d || !d->rqueue || d->rqueue < before)
			return 0;
		before = d->rqueue;
		if (!i)
			first = d->rqueue;
	}
	return first;
}

/* Clients that waited from the first snapshot to the last. */
static uint64_t
clients_left_waiting(const struct snapshot *snapshots, int n)
{
	const struct port_sockets *last = &snapshots[n - 1].waiting;
	uint64_t count = 0;

	for (int i = 0; i < last->count; i++)
		count += socket_find(&snapshots[0].waiting,
		    last->list[i].cookie) != NULL;
	return count;
}

bool
snapshot_is_stuck(const struct snapshot *snapshots, int n,
    const struct diag_sock *d,
    bool (*is_stopped)(const struct diag_sock *, void *), void *arg)
{
	const struct port_sockets *all = &snapshots[n - 1].listening;
	uint64_t sum = 0, waited;

	if (d->rqueue && is_stopped(d, arg))
		return true;
	if (n < 2 || !queue_held(snapshots, n, d->cookie))
		return false;
	if (d->protocol == IPPROTO_UDP)
		return true;
	waited = clients_left_waiting(snapshots, n);
	for (int i = 0; i < all->count; i++)
		sum += queue_held(snapshots, n, all->list[i].cookie);
	return sum <= waited;
}

bool
snapshot_is_full(const struct snapshot *snapshots, int n,
    const struct diag_sock *d)
{
	const struct diag_sock *first = snapshot_find(&snapshots[0], d->cookie);

	if (d->protocol != IPPROTO_UDP)
		return d->rqueue > d->wqueue;
	if (first && d->drops != first->drops)
		return true;
	return d->drops && d->rqueue > d->rcvbuf / 2 &&
	    queue_held(snapshots, n, d->cookie);
}

static bool
may_be_queued_at(const struct diag_sock *listener, const struct diag_sock
    *client)
{
	return listener->rqueue && relation_of(listener, client) != APART &&
	    !on_other_device(listener, client);
}

/* Whether the client can only be in the queue of d, or of d's group. */
static bool
is_only_queued_at(const struct port_sockets *all, const struct diag_sock
    *client, const struct diag_sock *d, bool group)
{
	bool found = false;

	for (int i = 0; i < all->count; i++) {
		const struct diag_sock *l = &all->list[i];

		if (!may_be_queued_at(l, client))
			continue;
		if (l->cookie != d->cookie && !(group && in_one_group(l, d)))
			return false;
		found = true;
	}
	return found;
}

int64_t
snapshot_oldest(const struct snapshot *s, const struct diag_sock *d, bool group)
{
	int64_t oldest = -1;

	for (int i = 0; i < s->waiting.count; i++) {
		const struct diag_sock *client = &s->waiting.list[i];

		if (client->age_ms > oldest &&
		    is_only_queued_at(&s->listening, client, d, group))
			oldest = client->age_ms;
	}
	return oldest;
}
