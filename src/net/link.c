#include "net/link.h"

#include <errno.h>

struct link *
link_of(const struct conn *c)
{
	return c->user;
}

uint64_t
link_unsent(const struct link *link)
{
	return link->broken ? 0 : link->ring->head - link->sent;
}

uint64_t
links_unsent(const struct conn *list, bool most)
{
	uint64_t best = most ? 0 : UINT64_MAX;

	for (const struct conn *c = list; c; c = c->next) {
		uint64_t n = link_unsent(link_of(c));

		if (most ? n > best : n < best && !link_of(c)->broken)
			best = n;
	}
	return best;
}

bool
link_is_up_to_date(const struct link *link)
{
	return !link_unsent(link) && !link->conn->queued;
}

int
link_watch(struct link *link)
{
	struct conn *c = link->conn;
	uint32_t events = 0;

	if (!c->read_ended && !link->blocked)
		events |= EPOLLIN;
	if (!link_is_up_to_date(link) || link->stalled)
		events |= EPOLLOUT;
	return c->ops->watch(c, events);
}

int
link_break(struct link *link)
{
	link->broken = errno;
	link->conn->queued = 0;
	return -1;
}

int
link_send(struct link *link)
{
	size_t piece;

	if (link->conn->queued && conn_flush(link->conn) < 0)
		return link_break(link);
	if (link->conn->queued)
		return 0;
	while (link_unsent(link) > 0) {
		const char *data = ring_at(link->ring, link->sent, &piece);
		ssize_t n = conn_write(link->conn, data, piece);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return conn_would_wait(link->conn) ? 0 :
			    link_break(link);
		link->sent += (uint64_t)n;
	}
	return 0;
}

enum path_result
link_pump(struct link *link, struct path *path, int fd)
{
	enum path_result result = path_in(path, fd, link->conn);

	if (result != PATH_MOVED)
		link->stalled = result == PATH_FULL;
	if (result == PATH_CONN_FAILED)
		link_break(link);
	return result;
}

void
link_ended(struct link *link)
{
	link->conn->read_ended = true;
	link->ending = true;
}

void
link_block(struct link *link, bool hung_up)
{
	link->blocked = true;
	if (hung_up)
		loop_del(link->conn->loop, &link->conn->source);
	else
		link_watch(link);
}

int
link_error(const struct link *link)
{
	int error = conn_error(link->conn);

	return link->broken ? link->broken : error ? error : ECONNRESET;
}
