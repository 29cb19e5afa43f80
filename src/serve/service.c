/*
 * echo, discard and chargen for any number of connections, and for datagrams.
 *
 * All connections share one read buffer. Data of a peer is sent back at once.
 * If the peer does not take all of it, the rest is kept in the connection's own
 * queue, and nothing more is read from it meanwhile. So an idle connection
 * holds no buffer, and a peer that never reads costs one.
 *
 *	state		what it holds		what moves it on
 *	caught up	nothing; it is read	the peer takes less: behind
 *						half a buffer at once: bulk
 *	bulk		nothing; it is read	less at once: caught up
 *			through a pipe		the peer takes less: behind
 *	behind		a queue, or a pipe	EPOLLOUT, until all is sent:
 *						caught up or bulk
 *	closed		freed by service_drop()
 *
 * The pipes (pipe_pool.h) save a copy. All connections share a few of them, and
 * a connection keeps one only while it is behind. If no pipe is free, the
 * buffer serves. A peer's end closes its connection once nothing is behind.
 *
 * chargen writes whenever the peer takes more, and discards what it reads.
 */
#include "serve/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "net/accept_queue.h"
#include "net/sockopt.h"
#include "relay/zerocopy.h"

enum {
	BUFFER = 64 * 1024,
	LINE = 72 + 2,			/* RFC 864: 72 characters and CRLF */
	PRINTABLE = 95,
	DATAGRAM_LIMIT = 512,		/* RFC 864: 0 to 512 in a datagram */
	BULK_LEAST = BUFFER / 2,	/* bytes in one read */
	READS_A_WAKE = 64, READS_A_DRAIN = 1024,
};

/* The lines of RFC 864: each starts one character after the last. */
static void
pattern_fill(struct service *s)
{
	size_t used = 0;

	for (int line = 0; line < PRINTABLE; line++) {
		for (int i = 0; i < LINE - 2; i++)
			s->buffer[used++] = (char)(' ' +
			    (line + i) % PRINTABLE);
		s->buffer[used++] = '\r';
		s->buffer[used++] = '\n';
	}
	s->pattern_length = used;
}

/* Whether the peer has yet to take what was sent back. */
static bool
is_behind(const struct conn *c)
{
	return c->queued || c->pipe;
}

/* Whether the peer would take a FIN for the end of what it is sent back. */
static bool
service_cuts_short(const struct service *s, const struct conn *c,
    enum reason reason)
{
	return reason == REASON_RESET || reason == REASON_LOCAL ||
	    (reason == REASON_CUT && s->kind == SERVE_ECHO && is_behind(c));
}

static void
service_drop(struct service *s, struct conn *c, enum reason reason)
{
	if (service_cuts_short(s, c, reason))
		sock_reset_at_close(c->source.fd);
	pipe_put(&s->pipes, c->pipe);
	s->counters->closed++;
	acceptor_freed(&s->acceptor);
	admission_left(&s->setup.admission, c->counted);
	s->ops->on_close(s, c, reason);
	conn_free(c);
	if (!s->conns)
		pipe_pool_close(&s->pipes);
}

static int
service_watch(struct service *s, struct conn *c)
{
	uint32_t events = 0;

	if (!c->read_ended && (!is_behind(c) || s->kind == SERVE_CHARGEN))
		events |= EPOLLIN;
	if (is_behind(c) || c->shut_waits || s->kind == SERVE_CHARGEN)
		events |= EPOLLOUT;
	return c->ops->watch(c, events);
}

/* Sends what the pipe holds; puts it back once it is empty. */
static int
service_drain_pipe(struct service *s, struct conn *c)
{
	if (pipe_drain(&s->pipes, c->pipe, c) < 0)
		return -1;
	if (!c->pipe->held) {
		pipe_put(&s->pipes, c->pipe);
		c->pipe = NULL;
	}
	return 0;
}

static int
send_back(struct service *s, struct conn *c, const char *data, size_t length)
{
	uint64_t before = c->out;
	int result = c->pipe ? service_drain_pipe(s, c) :
	    length ? conn_send(c, data, length) : conn_flush(c);

	s->counters->out += c->out - before;
	return result;
}

/* Grows the buffer, so that a record is read whole, however large. */
static void
service_make_room(struct service *s, size_t length)
{
	char *buffer;

	if (length <= s->room)
		return;
	buffer = realloc(s->buffer, length);
	if (!buffer)
		return;		/* conn_read() then fails with EMSGSIZE */
	s->buffer = buffer;
	s->room = length;
}

/* Like conn_read(), into room, or for bulk into a pipe (c->pipe). */
static ssize_t
service_read(struct service *s, struct conn *c, char *room, size_t length)
{
	struct pipe *p = c->bulk ? pipe_get(&s->pipes) : NULL;
	ssize_t n;

	if (p) {
		n = pipe_fill(&s->pipes, p, c);
		if (n > 0)
			c->pipe = p;
		else
			pipe_put(&s->pipes, p);
		c->bulk = n >= BULK_LEAST;
		/* 0 and EAGAIN tell nothing yet: see pipe_fill() */
		if (n > 0 || (n < 0 && errno != EAGAIN &&
		    !zerocopy_is_unfit(errno)))
			return n;
	}
	n = conn_read(c, room, length);
	c->bulk = n >= BULK_LEAST && c->ops->direct &&
	    workload_is_light(&s->workload);
	return n;
}

/* Reads once: 0, or -1 if the connection has an error. */
static int
service_read_once(struct service *s, struct conn *c)
{
	static char rubbish[BUFFER];
	char *room = rubbish;
	size_t length = BUFFER;
	ssize_t n;

	if (s->kind != SERVE_CHARGEN) {
		service_make_room(s, conn_pending(c));
		room = s->buffer;
		length = s->room;
	}
	n = service_read(s, c, room, length);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	s->counters->in += (uint64_t)n;
	if (n > 0)
		workload_run(&s->workload);
	if (n == 0)
		c->read_ended = true;
	else if (s->kind == SERVE_ECHO)
		return send_back(s, c, room, (size_t)n);
	return 0;
}

/* Why the connection ends that has failed by errno. */
static enum reason
service_failure(struct service *s, const struct conn *c)
{
	char peer[ADDR_TEXT];

	if (s->kind == SERVE_CHARGEN)
		return REASON_END;
	if (errno != EMSGSIZE)
		return errno == ETIMEDOUT ? REASON_TIMEOUT : REASON_RESET;
	fail_as(STATUS_NETWORK, "%s: a record is too large to be sent back",
	    addr_text(conn_origin(c), peer));
	if (backoff_is_due(&s->reported))
		s->ops->on_fault(s);
	return REASON_LOCAL;
}

static void
on_client_event(struct conn *c, uint32_t events)
{
	struct service *s = c->user;
	bool hung_up = events & (EPOLLERR | EPOLLHUP);
	int result = 0;

	if (is_behind(c) && (events & EPOLLOUT || hung_up))
		result = send_back(s, c, NULL, 0);
	if (result == 0 && !c->read_ended && (events & EPOLLIN || hung_up) &&
	    (!is_behind(c) || s->kind == SERVE_CHARGEN))
		result = service_read_once(s, c);
	if (result == 0 && s->kind == SERVE_CHARGEN && !is_behind(c))
		result = send_back(s, c, s->buffer, s->pattern_length);
	else if (result == 0 && c->read_ended && !is_behind(c) &&
	    conn_finish(c) <= 0) {
		service_drop(s, c, c->truncated ? REASON_TRUNCATED :
		    REASON_END);
		return;
	}
	if (result < 0 || service_watch(s, c) < 0)
		service_drop(s, c, service_failure(s, c));
}

/* Refuses a connection that has no service yet. */
static void
service_refuse(struct service *s, struct conn *c, enum reason reason)
{
	s->ops->on_open(s, c);
	service_drop(s, c, reason);
}

static void
on_refused(struct accept_setup *p, struct conn *c, enum reason reason,
    bool news)
{
	struct service *s = container_of(p, struct service, setup);

	if (news)
		s->ops->on_fault(s);
	s->counters->denied += reason == REASON_DENIED;
	service_refuse(s, c, reason);
}

static void
on_accept(struct acceptor *a, int fd)
{
	struct service *s = a->user;
	struct conn *c = conn_adopt(s->loop, fd,
	    s->kind != SERVE_ECHO ? &conn_discard :
	    s->seqpacket ? &conn_seqpacket : &conn_stream);

	if (!c) {
		s->ops->on_fault(s);
		close(fd);
		acceptor_freed(a);
		return;
	}
	c->id = ++s->last_id;
	s->counters->accepted++;
	if (accept_setup_add(&s->setup, c) < 0) {
		s->ops->on_fault(s);
		service_refuse(s, c, REASON_LOCAL);
	}
}

static void
on_ready(struct accept_setup *p, struct conn *c)
{
	struct service *s = container_of(p, struct service, setup);

	c->user = s;
	c->on_event = on_client_event;
	conn_link(c, &s->conns);
	s->ops->on_open(s, c);
	if ((s->greeting && send_back(s, c, s->greeting,
	    strlen(s->greeting)) < 0) || service_watch(s, c) < 0)
		service_drop(s, c, REASON_RESET);
}

static void
on_exhausted(struct acceptor *a)
{
	struct service *s = a->user;

	s->ops->on_fault(s);
}

static void
on_full(struct acceptor *a, bool full)
{
	struct service *s = a->user;

	s->ops->on_full(s, full);
}

/* A random piece of the pattern, for one datagram; returns its length. */
static size_t
piece_of_pattern(const struct service *s, const char **piece)
{
	size_t n = (size_t)random() % (DATAGRAM_LIMIT + 1);

	*piece = s->buffer + (size_t)random() % (s->pattern_length - n);
	return n;
}

static void
count_datagram(struct service *s, const struct dgram *d)
{
	s->counters->accepted += dgram_pieces(d);
	s->counters->closed += dgram_pieces(d);
	s->counters->in += d->length;
}

/*
 * Whether an answer to that source may be answered in turn: by this very
 * socket, by an echo server of another host on the same port, or by inetd. One
 * forged datagram would keep both busy for ever, so such a source gets no
 * answer (CERT CA-1996-01).
 */
static bool
would_come_back(const struct datagram_socket *s, const struct addr *from)
{
	static const uint16_t answering[] = { 7, 13, 17, 19, 37 };
	uint16_t port = addr_port(from);

	for (size_t i = 0; i < sizeof(answering) / sizeof(*answering); i++)
		if (port == answering[i])
			return true;
	return port && port == s->port;
}

/* Clears the source address of such datagrams, so they get no answer. */
static void
refuse_echoes(struct datagram_socket *s, struct udp_batch *all)
{
	for (int i = 0; i < all->count; i++) {
		struct dgram *d = &all->at[i];

		if (!would_come_back(s, &d->from))
			continue;
		losses_count(&all->unsent, &d->from, d->length, ELOOP);
		d->from.len = 0;
	}
}

static void
report_losses(struct service *s)
{
	while (udp_batch_losses_due(s->dgrams))
		s->ops->on_fault(s);
}

/* One at a time: for a workload, and for answers that differ (chargen). */
static void
service_answer_each(struct service *s, int fd, const struct dgram *d)
{
	for (size_t i = 0; i < dgram_pieces(d); i++) {
		size_t length;
		const char *reply = dgram_piece(d, i, &length);
		ssize_t n;

		workload_run(&s->workload);
		if (s->kind == SERVE_DISCARD || !d->from.len)
			continue;
		if (s->kind == SERVE_CHARGEN)
			length = piece_of_pattern(s, &reply);
		n = dgram_send(fd, reply, length, &d->from, &d->to);
		s->counters->out += n > 0 ? (size_t)n : 0;
		if (n < 0)
			losses_count(&s->dgrams->unsent, &d->from, length,
			    errno);
	}
}

/*
 * Drops those of denied senders. They count as accepted, because the kernel
 * gave them to this member.
 */
static void
drop_denied(struct service *s, struct udp_batch *all)
{
	int kept = 0;

	for (int i = 0; i < all->count; i++) {
		struct dgram *d = &all->at[i];

		if (admission_judge_address(&s->setup.admission, &d->from) ==
		    0) {
			all->at[kept++] = *d;
			continue;
		}
		s->counters->accepted += dgram_pieces(d);
		s->counters->closed += dgram_pieces(d);
		s->counters->denied += dgram_pieces(d);
		if (backoff_is_due(&s->setup.reported->denied))
			s->ops->on_fault(s);
	}
	all->count = kept;
}

/* Receives and answers at most `most` datagrams: how many, or -1. */
static int
service_answer_batch(struct datagram_socket *d, int most)
{
	struct service *s = d->service;
	struct udp_batch *all = s->dgrams;
	int fd = d->source.fd, n = udp_batch_receive(all, fd, most);

	if (n < 0)
		return -1;
	if (admission_is_on(&s->setup.admission))
		drop_denied(s, all);
	for (int i = 0; i < all->count; i++)
		count_datagram(s, &all->at[i]);
	if (s->kind != SERVE_DISCARD)
		refuse_echoes(d, all);
	if (n > 0 && s->kind == SERVE_ECHO && workload_is_light(&s->workload))
		s->counters->out += udp_batch_return(all, fd);
	else
		for (int i = 0; i < all->count; i++)
			service_answer_each(s, fd, &all->at[i]);
	report_losses(s);
	return n;
}

static void
on_datagrams_rested(struct backoff *b)
{
	struct datagram_socket *d = container_of(b, struct datagram_socket,
	    backoff);

	loop_watch(d->service->loop, &d->source, EPOLLIN);
}

static void
datagrams_receive_failed(struct datagram_socket *d)
{
	struct service *s = d->service;

	if (backoff_failed(&d->backoff, s->loop) != BACKOFF_REST)
		return;
	fail("receive");
	loop_del(s->loop, &d->source);
	if (backoff_is_due(&s->reported))
		s->ops->on_fault(s);
}

/* With a workload one at a time: other members may take the rest meanwhile. */
static void
service_answer_some(struct datagram_socket *d, int most)
{
	int n = 0, batch = workload_is_light(&d->service->workload) ?
	    d->service->dgrams->most : 1;

	for (; most > 0; most -= n) {
		if (batch > most)
			batch = most;
		n = service_answer_batch(d, batch);
		if (n < 0)
			datagrams_receive_failed(d);
		else
			backoff_worked(&d->backoff);
		if (n < batch)
			return;
	}
}

static void
on_datagram(struct source *source, uint32_t events)
{
	(void)events;
	service_answer_some(container_of(source, struct datagram_socket,
	    source), READS_A_WAKE);
}

static int
open_datagram(struct service *s, const struct sock_set *set)
{
	s->dgrams = udp_batch_new(set->fd[0]);
	if (!s->dgrams)
		return -1;
	for (int i = 0; i < set->count; i++) {
		struct datagram_socket *d = &s->datagram[s->datagrams++];

		d->service = s;
		d->port = addr_port(&set->bound[i]);
		d->backoff.on_end = on_datagrams_rested;
		d->source = (struct source){
			.fd = set->fd[i], .on_event = on_datagram,
		};
		s->lost -= listener_drops(set->fd[i]);
		if (loop_watch(s->loop, &d->source, EPOLLIN) < 0)
			return -1;
	}
	return 0;
}

int
service_open(struct service *s, const struct sock_set *set, bool datagram,
    bool exclusive, unsigned limit)
{
	s->setup.on_ready = on_ready;
	s->setup.on_refused = on_refused;
	accept_setup_init(&s->setup, s->loop);
	s->buffer = malloc(BUFFER);
	if (!s->buffer)
		return fail("buffer");
	s->room = BUFFER;
	if (s->kind == SERVE_CHARGEN)
		pattern_fill(s);
	if (datagram)
		return open_datagram(s, set);
	s->acceptor = (struct acceptor){
		.limit = limit, .exclusive = exclusive,
		.congestion = s->congestion, .sockopts = s->sockopts,
		.on_accept = on_accept, .on_exhausted = on_exhausted,
		.on_full = on_full, .user = s,
	};
	return acceptor_open(&s->acceptor, s->loop, set);
}

void
service_take(struct service *s, int fd)
{
	s->acceptor.open++;
	on_accept(&s->acceptor, fd);
}

int
service_answer(struct service *s)
{
	return service_answer_batch(&s->datagram[0], 1) < 0 ? -1 : 0;
}

void
service_drain(struct service *s)
{
	for (int i = 0; i < s->datagrams; i++)
		service_answer_some(&s->datagram[i], READS_A_DRAIN);
}

void
service_stop(struct service *s)
{
	for (int i = 0; i < s->datagrams; i++) {
		backoff_cancel(&s->datagram[i].backoff, s->loop);
		loop_del(s->loop, &s->datagram[i].source);
		s->lost += listener_drops(s->datagram[i].source.fd);
		close(s->datagram[i].source.fd);
	}
	while (s->datagrams && udp_batch_losses_rest(s->dgrams))
		s->ops->on_fault(s);
	s->datagrams = 0;
}

void
service_close(struct service *s)
{
	acceptor_close(&s->acceptor);
	service_stop(s);
	accept_setup_cut(&s->setup, REASON_CUT);
	while (s->conns)
		service_drop(s, s->conns, REASON_CUT);
	free(s->buffer);
	free(s->dgrams);
}
