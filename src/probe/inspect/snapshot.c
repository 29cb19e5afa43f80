/*
 * How it works. A client that waits to be accepted is a connection without an
 * inode, listed under the port, and which listener has it isn't told. But the
 * queue of each listener is known: a client must be in one of those that are
 * not empty and take its address. Where there is only one, that is the one.
 *
 * A queue is first in, first out: if none of its clients was accepted, those
 * of the first moment are all there at the last. So if there are fewer such
 * clients than the queues that did not fall held at first, some of these are
 * only busy, and it can't be told which.
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
keep(struct rivals *r, const struct diag_sock *d)
{
	struct diag_sock *list = realloc(r->list,
	    (size_t)(r->count + 1) * sizeof(*list));

	if (!list)
		return -1;
	r->list = list;
	r->list[r->count++] = *d;
	return 0;
}

static int
sort_out(const struct diag_sock *d, void *arg)
{
	struct sample *s = arg;

	if (rival_listens(d))
		return keep(&s->listening, d);
	if (d->protocol == IPPROTO_UDP)
		return 0;
	if (d->state == TCP_CLOSE)
		return keep(&s->bound, d);
	return d->inode ? 0 : keep(&s->waiting, d);
}

int
sample_take(struct sample *s, struct diag *diag, bool datagram, uint16_t port)
{
	*s = (struct sample){ .listening.datagram = datagram };
	if (diag_dump(diag, datagram ? IPPROTO_UDP : IPPROTO_TCP,
	    datagram ? 1 << TCP_CLOSE : STATES, port, sort_out, s) >= 0)
		return 0;
	sample_free(s);
	return -1;
}

void
sample_free(struct sample *s)
{
	free(s->listening.list);
	free(s->bound.list);
	free(s->waiting.list);
	*s = (struct sample){ 0 };
}

static const struct diag_sock *
find(const struct rivals *r, uint64_t cookie)
{
	for (int i = 0; i < r->count; i++)
		if (r->list[i].cookie == cookie)
			return &r->list[i];
	return NULL;
}

const struct diag_sock *
sample_find(const struct sample *s, uint64_t cookie)
{
	return find(&s->listening, cookie);
}

/* What was in its queue at first, if that has never fallen since; or 0. */
static uint32_t
held(const struct sample *samples, int n, uint64_t cookie)
{
	uint32_t before = 0, first = 0;

	for (int i = 0; i < n; i++) {
		const struct diag_sock *d = sample_find(&samples[i], cookie);

		if (!d || !d->rqueue || d->rqueue < before)
			return 0;
		before = d->rqueue;
		if (!i)
			first = d->rqueue;
	}
	return first;
}

/* How many clients waited from the first to the last. */
static uint64_t
patient(const struct sample *samples, int n)
{
	const struct rivals *last = &samples[n - 1].waiting;
	uint64_t count = 0;

	for (int i = 0; i < last->count; i++)
		count += find(&samples[0].waiting, last->list[i].cookie) !=
		    NULL;
	return count;
}

bool
sample_is_stuck(const struct sample *samples, int n,
    const struct diag_sock *d,
    bool (*is_stopped)(const struct diag_sock *, void *), void *arg)
{
	const struct rivals *all = &samples[n - 1].listening;
	uint64_t sum = 0, waited;

	if (d->rqueue && is_stopped(d, arg))
		return true;
	if (n < 2 || !held(samples, n, d->cookie))
		return false;
	if (d->protocol == IPPROTO_UDP)
		return true;
	waited = patient(samples, n);
	for (int i = 0; i < all->count; i++)
		sum += held(samples, n, all->list[i].cookie);
	return sum <= waited;
}

bool
sample_is_full(const struct sample *samples, int n, const struct diag_sock *d)
{
	const struct diag_sock *first = sample_find(&samples[0], d->cookie);

	if (d->protocol != IPPROTO_UDP)
		return d->rqueue > d->wqueue;
	if (first && d->drops != first->drops)
		return true;
	return d->drops && d->rqueue > d->rcvbuf / 2 &&
	    held(samples, n, d->cookie);
}

static bool
may_have(const struct diag_sock *listener, const struct diag_sock *client)
{
	return listener->rqueue && relation_of(listener, client) != APART &&
	    !on_other_device(listener, client);
}

/* Whether the client is in a queue of these, and can be in no other. */
static bool
is_of(const struct rivals *all, const struct diag_sock *client,
    const struct diag_sock *d, bool group)
{
	bool found = false;

	for (int i = 0; i < all->count; i++) {
		const struct diag_sock *l = &all->list[i];

		if (!may_have(l, client))
			continue;
		if (l->cookie != d->cookie && !(group && in_one_group(l, d)))
			return false;
		found = true;
	}
	return found;
}

int64_t
sample_oldest(const struct sample *s, const struct diag_sock *d, bool group)
{
	int64_t oldest = -1;

	for (int i = 0; i < s->waiting.count; i++) {
		const struct diag_sock *client = &s->waiting.list[i];

		if (client->age_ms > oldest &&
		    is_of(&s->listening, client, d, group))
			oldest = client->age_ms;
	}
	return oldest;
}
