/*
 * Connects to a name: Happy Eyeballs (RFC 8305). How it works. Addresses are
 * ordered with IPv6 and IPv4 alternating; if the answer for one family is late,
 * its addresses take their turns when they arrive. An attempt is a non-blocking
 * connect(2) in a pollfd. Each turn of the loop starts the next attempt if it
 * is due, then polls all attempts in flight until one is writable, the next one
 * is due, or the deadline passes. A round ends with a connection, or when no
 * address is left; --wait makes more rounds.
 */
#include "net/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/loop.h"
#include "net/resolve.h"
#include "net/retry.h"
#include "net/sock.h"
#include "net/udp_options.h"
#include "net/unix_name.h"

enum {
	STAGGER_US = 250 * 1000,	/* RFC 8305 section 8 */
	RETRY_FIRST_US = 10 * 1000,
	RETRY_MAX_US = 250 * 1000,
};

struct race {
	const struct dial_options *options;
	struct lookup lookup;		/* for late answers */
	struct addr_list list;		/* in the order of the attempts */
	struct pollfd *poll;		/* attempts', then the look-up's */
	int started, error;		/* error: the last attempt's errno */
	int faulty;			/* its address's place in list */
	int rounds;			/* made so far */
	bool unusable;			/* -1: the fault is already recorded */
};

/*
 * Orders the addresses that are not tried yet: IPv6 and IPv4 alternate, each in
 * the resolver's order.
 */
static int
interleave(struct addr_list *list, int from)
{
	struct addr_list all = *list;
	int next[2] = { from, from };
	int side = all.at[from].sa.sa_family == AF_INET6;

	if (from)
		side = all.at[from - 1].sa.sa_family != AF_INET6;
	*list = (struct addr_list){ 0 };
	for (int i = 0; i < from; i++)
		addr_list_add(list, &all.at[i]);
	for (; list->count < all.count; side = !side) {
		int *i = &next[side];

		while (*i < all.count &&
		    (all.at[*i].sa.sa_family == AF_INET6) != side)
			++*i;
		if (*i < all.count && addr_list_add(list, &all.at[(*i)++]) < 0)
			break;
	}
	addr_list_free(&all);
	return list->count > from ? 0 : -1;
}

/* Takes addresses that have come, and orders those from place r on. */
static int
dial_take(struct race *r, int from)
{
	int room = r->list.count + LOOKUP_QUERIES;
	struct pollfd *p = realloc(r->poll, (size_t)room * sizeof(*p));

	if (!p)
		return fail("connect");
	r->poll = p;
	return from < r->list.count ? interleave(&r->list, from) : 0;
}

/* Takes the late answer for one family. */
static void
take_late(struct race *r)
{
	int before = r->list.count;

	if (lookup_take(&r->lookup, &r->list) < 0 ||
	    (r->list.count > before && dial_take(r, r->started) < 0))
		r->unusable = true;
}

/* Finds the source address for this target; 1, or 0 if none fits. */
static int
source_for(const struct dial_options *o, const struct addr *to,
    struct addr *from)
{
	for (int i = 0; i < o->source.count; i++)
		if (o->source.at[i].sa.sa_family == to->sa.sa_family) {
			*from = o->source.at[i];
			addr_set_port(from, o->source_port);
			return 1;
		}
	if (o->source.count)
		return 0;
	memset(from, 0, sizeof(*from));
	from->sa.sa_family = to->sa.sa_family;
	from->len = to->len;
	addr_set_port(from, o->source_port);
	return 1;
}

static int
bind_source(int fd, const struct dial_options *o, const struct addr *to)
{
	struct addr from;
	char text[ADDR_TEXT];

	if (to->sa.sa_family == AF_UNIX)
		return o->datagram ? unix_autobind(fd) : 0;
	if (!o->source.count && !o->source_port)
		return 0;
	if (!source_for(o, to, &from)) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	if (!o->source_port)
		sock_set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	else if (!o->datagram)
		sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, &from.sa, from.len) == 0)
		return 0;
	fail("bind to %s", addr_text(&from, text));
	return fail_status_set(STATUS_BIND);
}

/*
 * connect(2) to a Unix socket blocks only while its backlog is full. With a time
 * limit a process that was stopped and goes on has EINTR, without a handler, too
 * (signal(7)).
 */
static int
connect_local(int fd, const struct addr *to, int64_t deadline)
{
	int result;

	do {
		int64_t left = deadline - loop_now();
		struct timeval limit = { .tv_usec = 1 };

		if (left > 0)
			limit = (struct timeval){ left / 1000000,
			    left % 1000000 };
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		result = connect(fd, &to->sa, to->len);
	} while (result < 0 && errno == EINTR);
	if (result < 0 && errno == EAGAIN)
		errno = ETIMEDOUT;
	return result;
}

static int
open_for(const struct race *r, const struct addr *to)
{
	int flags = SOCK_CLOEXEC | (to->sa.sa_family == AF_UNIX ? 0 :
	    SOCK_NONBLOCK);
	int fd = r->options->datagram ?
	    socket(to->sa.sa_family, SOCK_DGRAM | flags, 0) :
	    sock_stream(to->sa.sa_family, flags, r->options->stream);

	if (fd < 0 || to->sa.sa_family == AF_UNIX)
		return fd;
	if (r->options->datagram) {
		udp_enlarge(fd);
		udp_let_fragment(fd, to);
	} else {
		sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		if (r->options->congestion)
			congestion_prepare(r->options->congestion, fd, to);
	}
	return fd;
}

/* Starts an attempt; returns its fd, -1: see errno, -2: a fault. */
static int
dial_attempt(struct race *r, const struct addr *to, int64_t deadline)
{
	bool local = to->sa.sa_family == AF_UNIX;
	int fd = open_for(r, to), saved;

	if (fd < 0)
		return -1;
	if ((!local && sock_device(fd, r->options->interface) < 0) ||
	    sockopts_set(r->options->sockopts, fd) < 0)
		goto told;
	errno = 0;
	if (bind_source(fd, r->options, to) < 0) {
		if (fail_status() == STATUS_BIND)
			goto told;
		goto close;
	}
	if ((local ? connect_local(fd, to, deadline) :
	    connect(fd, &to->sa, to->len)) == 0 || errno == EINPROGRESS)
		return fd;
close:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
told:
	close(fd);
	return -2;
}

static void
dial_lost(struct race *r, int i, int error)
{
	/* keep the first error, but "refused" is more useful than others */
	if (!r->error || (error == ECONNREFUSED && r->error != error)) {
		r->error = error;
		r->faulty = i;
	}
}

/* Starts the next attempt. Returns -1 if it failed at once. */
static int
start_next(struct race *r, int64_t deadline)
{
	int i = r->started++;
	int fd = dial_attempt(r, &r->list.at[i], deadline);

	r->poll[i] = (struct pollfd){ .fd = fd, .events = POLLOUT };
	if (fd == -2)
		r->unusable = true;
	if (fd == -1)
		dial_lost(r, i, errno);
	return fd < 0 ? -1 : 0;
}

/*
 * A connect(2) to a free port of this host may meet itself: the kernel may
 * choose the same port as the source, and TCP then opens simultaneously. A
 * datagram socket then receives its own datagrams.
 */
static bool
is_self(int fd)
{
	struct addr here, there = { .len = sizeof(there.un) };

	return sock_name(fd, &here) == 0 &&
	    getpeername(fd, &there.sa, &there.len) == 0 &&
	    here.sa.sa_family != AF_UNIX && addr_equal(&here, &there);
}

/* The attempt that has connected, or -1. Drops those that failed. */
static int
dial_settled(struct race *r)
{
	for (int i = 0; i < r->started; i++) {
		struct pollfd *p = &r->poll[i];
		int error;

		if (p->fd < 0 || !p->revents)
			continue;
		error = sock_get_int(p->fd, SOL_SOCKET, SO_ERROR, 0);
		if (!error && is_self(p->fd))
			error = ECONNREFUSED;
		if (!error)
			return i;
		close(p->fd);
		p->fd = -1;
		dial_lost(r, i, error);
	}
	return -1;
}

static int
in_flight(const struct race *r)
{
	int count = 0;

	for (int i = 0; i < r->started; i++)
		count += r->poll[i].fd >= 0;
	return count;
}

static void
drop_losers(struct race *r, int winner)
{
	for (int i = 0; i < r->started; i++)
		if (i != winner && r->poll[i].fd >= 0)
			close(r->poll[i].fd);
}

/* Waits for an attempt or for addresses. False: none is outstanding. */
static bool
dial_await(struct race *r, int64_t deadline)
{
	int asked = lookup_poll(&r->lookup, r->poll + r->started);
	int64_t limit = lookup_limit(&r->lookup);

	if (!asked && !in_flight(r))
		return false;
	if (asked && limit < deadline)
		deadline = limit;
	r->unusable = loop_poll(r->poll, (size_t)r->started + (size_t)asked,
	    deadline) < 0;
	return !r->unusable;
}

/* Tries all addresses once; returns the place of the connected one, or -1. */
static int
dial_race(struct race *r, int64_t deadline)
{
	int64_t next = 0;
	int winner = -1;

	r->started = r->error = r->faulty = 0;
	while (winner < 0 && !r->unusable && loop_now() < deadline) {
		bool more = r->started < r->list.count;

		if (more && (loop_now() >= next || !in_flight(r))) {
			next = start_next(r, deadline) < 0 ? 0 :
			    loop_now() + STAGGER_US;
			continue;
		}
		if (!dial_await(r, more && next < deadline ? next : deadline))
			break;
		winner = dial_settled(r);
		if (winner < 0)
			take_late(r);
	}
	if (winner < 0 && in_flight(r))
		r->error = ETIMEDOUT;
	drop_losers(r, winner);
	return winner;
}

bool
dial_may_pass(int error)
{
	return error == ECONNREFUSED || error == ENOENT ||
	    error == ETIMEDOUT || error == EHOSTUNREACH ||
	    error == ENETUNREACH || error == ECONNRESET;
}

static int
dial_give_up(const struct race *r)
{
	char text[ADDR_TEXT];
	const struct addr *a = &r->list.at[r->faulty];

	if (r->unusable)
		return -1;
	errno = r->error ? r->error : ETIMEDOUT;
	if (r->list.count > 1)
		fail("connect to %s and %d more", addr_text(a, text),
		    r->list.count - 1);
	else
		fail("connect to %s", addr_text(a, text));
	if (r->options->datagram && r->error == EACCES && sock_is_broadcast(a)) {
		fail_add("this is a broadcast address");
		fail_advise(ADVICE_BROADCAST);
	}
	if (r->error == EPROTOTYPE)
		fail_advise(ADVICE_SOCKET_TYPE);
	errno = r->error ? r->error : ETIMEDOUT;
	if (errno == EADDRNOTAVAIL && !sock_has_source(a))
		fail_add("this host has no address to reach that one from");
	if (r->rounds > 1)
		fail_add("tried %d times within %g s. Is the server started, "
		    "and is this its address?", r->rounds,
		    (double)r->options->wait / 1e6);
	return errno == ETIMEDOUT ? fail_status_set(STATUS_TIMEOUT) : -1;
}

/* Makes rounds until one connects, or the time for --wait is over. */
static int
race_on(struct race *r, int64_t deadline)
{
	struct retry retry = {
		.end = loop_now() + r->options->wait,
		.pause = RETRY_FIRST_US, .most = RETRY_MAX_US,
	};

	if (r->options->wait > 0 && retry.end + RETRY_LAST_US > deadline)
		deadline = retry.end + RETRY_LAST_US;
	for (;;) {
		int winner = dial_race(r, deadline);

		r->rounds++;
		if (winner >= 0 || r->unusable || !dial_may_pass(r->error) ||
		    !retry_sleep(&retry))
			return winner;
	}
}

/* Sets the options that the rest of rpnc expects. */
static int
dial_settle(int fd, const struct addr *reached)
{
	struct timeval none = { 0 };

	if (reached->sa.sa_family == AF_UNIX) {
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
		fcntl(fd, F_SETFL, O_NONBLOCK);
	}
	return fd;
}

int
dial(const struct endpoint *e, const struct dial_options *options,
    int64_t deadline, struct addr *reached)
{
	struct race r = { .options = options };
	int winner = -1, fd = -1, error = 0;

	if (resolve_wait(e, deadline, options->wait, &r.lookup,
	    &r.list) > 0 && dial_take(&r, 0) == 0) {
		winner = race_on(&r, deadline);
		if (winner < 0) {
			dial_give_up(&r);
			error = r.unusable ? 0 : r.error;
		}
	}
	if (winner >= 0) {
		*reached = r.list.at[winner];
		fd = dial_settle(r.poll[winner].fd, reached);
	}
	lookup_end(&r.lookup);
	addr_list_free(&r.list);
	free(r.poll);
	errno = error;
	return fd;
}
