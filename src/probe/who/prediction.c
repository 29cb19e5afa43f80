/*
 * Predicts which listener will get a connection. sock_diag(7) is asked about
 * addresses that have no connection yet. It answers with the listener that the
 * kernel's hash chooses. For that, the source port must be known, so the socket
 * is bound first: to a port that has no connection to the target, as connect(2)
 * would choose it.
 *
 * A BPF program may override the hash, and can't be seen. So predictions are
 * compared with what is seen to accept. One that is wrong makes all of them
 * void, and so do too few that are right. The hardest program to notice
 * excludes one of k sockets: it agrees with the hash in all but 1/k. 14 k
 * matches in a row rule it out (p < 1e-6). A group of one socket needs none.
 *
 * For attempts that are still queued there is another check: each queue must be
 * at least as long as predicted.
 */
#include "probe/who/prediction.h"

#include "group/reach/port_group.h"
#include "net/sock.h"
#include "net/sources.h"

enum {
	RIGHT_PER_SOCKET = 14,	/* (1 - 1/k)^(14 k) < 1e-6 */
	REST = 256,		/* attempts without a port, if none was found */
};

void
prediction_init(struct prediction *p, struct sock_diag *diag,
    const struct origin *from)
{
	p->from = *from;
	port_search_init(&p->search);
	p->search.diag = diag;
	p->search.protocol = from->datagram ? IPPROTO_UDP : IPPROTO_TCP;
}

static void
find_source(struct prediction *p)
{
	const struct addr *to = &p->search.target;

	if (sources_peek(p->from.sources, to->sa.sa_family, &p->source) < 0 ||
	    (p->source.len && addr_is_wildcard(&p->source)))
		p->source.len = 0;
	if (!p->source.len)
		port_group_source(to, p->from.interface, &p->source);
	addr_set_port(&p->source, 0);
}

void
prediction_aim(struct prediction *p, const struct addr *target)
{
	p->search.target = *target;
	find_source(p);
}

static int
bind_datagram(struct prediction *p, int fd, struct addr *ours, uint64_t *inode)
{
	port_search_begin(&p->search);
	while (p->search.plan && port_search_next(&p->search, ours, inode) > 0)
		if (bind(fd, &ours->sa, ours->len) == 0)
			return 0;
	addr_set_port(ours, 0);
	if (bind(fd, &ours->sa, ours->len) < 0 ||
	    getsockname(fd, &ours->sa, &ours->len) < 0)
		return -1;
	port_search_ask(&p->search, ours, inode);
	return 0;
}

/* SO_REUSEADDR: connections to other addresses do not matter. */
static int
bind_stream(struct prediction *p, int fd, struct addr *ours, uint64_t *inode)
{
	int found;

	if (p->resting && p->resting--)
		return -1;
	sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	port_search_begin(&p->search);
	while ((found = port_search_next(&p->search, ours, inode)) > 0)
		if (bind(fd, &ours->sa, ours->len) == 0)
			return 0;
	if (found == 0)
		p->resting = REST;
	return -1;
}

/* With --sport: the last connection from that port may not be over. */
static int
bind_given(struct prediction *p, int fd, struct addr *ours, uint64_t *inode)
{
	sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	port_search_ask(&p->search, ours, inode);
	return bind(fd, &ours->sa, ours->len);
}

static int
bind_any(struct prediction *p, int fd, struct addr *ours, uint64_t *inode)
{
	if (p->from.datagram)
		return bind_datagram(p, fd, ours, inode);
	return addr_port(ours) ? bind_given(p, fd, ours, inode) :
	    bind_stream(p, fd, ours, inode);
}

uint64_t
prediction_make(struct prediction *p, int fd, struct addr *ours)
{
	uint16_t port = ours->len ? addr_port(ours) : 0;
	uint64_t inode = 0;

	if (!ours->len || addr_is_wildcard(ours))
		*ours = p->source;
	addr_set_port(ours, port);
	if (ours->len && bind_any(p, fd, ours, &inode) == 0)
		return inode;
	ours->len = 0;
	return 0;
}

void
prediction_compare(struct prediction *p, int predicted, int row)
{
	if (predicted < 0 || row < 0)
		return;
	p->record.wrong += predicted != row;
	p->record.right += predicted == row;
}

static int
prediction_needed(int sockets)
{
	return sockets > 1 ? sockets * RIGHT_PER_SOCKET : 0;
}

bool
prediction_is_reliable(const struct prediction *p, int sockets)
{
	if (p->record.all_verified)
		return true;
	return !p->record.wrong && !p->record.steered &&
	    p->record.right >= (uint64_t)prediction_needed(sockets);
}

/* Clients in the queues of a row; UINT64_MAX: one is full, so unknown. */
static uint64_t
row_queue(int row, const struct listeners *s, const struct diag_sock *list,
    int count)
{
	uint64_t sum = 0;

	for (int i = 0; i < count; i++) {
		if (listeners_row(s, list[i].inode) != row)
			continue;
		if (list[i].rqueue > list[i].wqueue)
			return UINT64_MAX;
		sum += list[i].rqueue;
	}
	return sum;
}

static bool
are_queues_long_enough(const struct tally *t, const struct listeners *s,
    const struct diag_sock *list, int count)
{
	for (int i = 0; i < t->count; i++)
		if (t->rows[i].queued > row_queue(i, s, list, count))
			return false;
	return true;
}

uint64_t
prediction_void(const struct prediction *p, struct tally *t,
    const struct listeners *s, const struct diag_sock *list, int count)
{
	uint64_t predicted = 0, queued = 0;
	bool keep_queued;

	if (prediction_is_reliable(p, s->count))
		return 0;
	keep_queued = !p->record.wrong && !p->record.steered &&
	    are_queues_long_enough(t, s, list, count);
	for (int i = 0; i < t->count; i++) {
		struct row *r = &t->rows[i];

		predicted += r->predicted;
		r->predicted = 0;
		if (keep_queued)
			continue;
		queued += r->queued;
		r->queued = 0;
	}
	t->unattributed += predicted;
	return predicted + queued;
}
