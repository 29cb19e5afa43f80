/*
 * Connects to a server through a chain of proxies. How it works: dial() connects
 * to the first proxy; then each hop in turn is asked to connect to the next one,
 * and the last hop to the server, over the same socket.
 *
 *	hop		asks				the next step
 *	socks5		methods, (login,) CONNECT	success: the next hop
 *	http		CONNECT				2xx: the next hop
 *
 * A socks5:// hop gets an address, which this host has looked up. If the last
 * hop can't reach one address of the server, the next is tried, over a new
 * chain. --wait starts again while the failure is one that may go away.
 *
 * Nothing behind a reply is consumed: dialog_read() looks at bytes before it
 * takes them. One deadline limits all of it: each step gets the time that is
 * left, and only proxy_dial() tries again.
 */
#include "net/proxy_dial.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/fail.h"
#include "base/loop.h"
#include "base/num.h"
#include "net/http_connect.h"
#include "net/resolve.h"

enum { RETRY_FIRST_US = 10 * 1000, RETRY_MAX_US = 250 * 1000 };
enum { LINE_SHOWN = 128 };	/* of a status line */

/* A hop is asked to connect to this: an address, or a name and a port. */
struct target {
	struct addr addr;		/* len 0: the name counts */
	const struct endpoint *endpoint;
	char text[ENDPOINT_TEXT];	/* HOST:PORT */
};

/* Why a chain was not made. */
enum chain_failure {
	FAILS_ALWAYS,		/* another try would fail, too */
	FAILS_NOW,		/* another round may succeed */
	REFUSED_NOW,		/* the same, or another address may succeed */
};

/* A hop that is being asked. */
struct hop_dialog {
	int fd;
	const struct proxy_hop *hop;
	int64_t deadline;
	enum chain_failure failure;
	bool refused;		/* a try has ended with REFUSED_NOW */
	struct fault refusal;	/* the last one */
	char room[HTTP_HEAD_MAX];
};

/* Puts the hop before the fault's text. */
static int
hop_fault(const struct proxy_hop *hop)
{
	char prefix[sizeof(hop->name) + 16];

	snprintf(prefix, sizeof(prefix), "proxy %s:", hop->name);
	return fail_option(prefix);
}

static int
hop_says(const struct proxy_hop *hop, const char *why)
{
	fail_as(STATUS_NETWORK, "%s", why);
	return hop_fault(hop);
}

/* Waits until the socket is ready; -1 with a fault: the time is over. */
static int
dialog_wait(const struct hop_dialog *d, short events)
{
	struct pollfd p = { .fd = d->fd, .events = events };

	if (loop_now() < d->deadline) {
		poll(&p, 1, loop_ms_until(d->deadline));
		return 0;
	}
	fail_as(STATUS_TIMEOUT, "no answer in time");
	return hop_fault(d->hop);
}

static int
dialog_broken(const struct hop_dialog *d)
{
	fail("connection");
	return hop_fault(d->hop);
}

static int
dialog_send(const struct hop_dialog *d, const void *data, size_t length)
{
	const char *at = data;

	while (length) {
		ssize_t n = send(d->fd, at, length, MSG_DONTWAIT |
		    MSG_NOSIGNAL);

		if (n >= 0) {
			at += n;
			length -= (size_t)n;
		} else if (errno != EAGAIN && errno != EINTR)
			return dialog_broken(d);
		else if (dialog_wait(d, POLLOUT) < 0)
			return -1;
	}
	return 0;
}

/* The next bytes, without consuming them; 0: none yet; -1: a fault. */
static ssize_t
dialog_peek(struct hop_dialog *d, size_t have)
{
	ssize_t n = recv(d->fd, d->room + have, sizeof(d->room) - have,
	    MSG_PEEK | MSG_DONTWAIT);

	if (n > 0)
		return n;
	if (n == 0) {
		d->failure = REFUSED_NOW;	/* ssh -D says it so */
		return hop_says(d->hop, have ? "it closed the connection "
		    "within its reply" : "it closed the connection without a "
		    "reply");
	}
	return errno != EAGAIN && errno != EINTR ? dialog_broken(d) :
	    dialog_wait(d, POLLIN);
}

/* Consumes a reply, and nothing behind it. -1: a fault. */
static int
dialog_read(struct hop_dialog *d, reply_parser *parse, struct reply *r)
{
	size_t have = 0;

	*r = (struct reply){ .state = REPLY_MORE };
	do {
		ssize_t n = dialog_peek(d, have);
		size_t took = have;

		if (n < 0)
			return -1;
		if (n == 0)
			continue;
		*r = parse(d->room, have + (size_t)n);
		if (r->state == REPLY_BAD)
			return hop_says(d->hop, r->why);
		have = r->length < have + (size_t)n ? r->length :
		    have + (size_t)n;
		if (recv(d->fd, d->room + took, have - took,
		    MSG_DONTWAIT) != (ssize_t)(have - took))
			return dialog_broken(d);
	} while (r->state == REPLY_MORE);
	return 0;
}

static int
dialog_ask(struct hop_dialog *d, const void *request, size_t length,
    reply_parser *parse, struct reply *r)
{
	return dialog_send(d, request, length) < 0 ? -1 :
	    dialog_read(d, parse, r);
}

static int
dialog_want_login(const struct hop_dialog *d, const char *why)
{
	hop_says(d->hop, why);
	return fail_advise(ADVICE_PROXY_LOGIN);
}

/* Agrees on a method, and logs in if it is the one with a password. */
static int
socks5_enter(struct hop_dialog *d)
{
	const struct proxy_hop *hop = d->hop;
	uint8_t out[SOCKS5_ROOM];
	struct reply r;

	if (dialog_ask(d, out, socks5_write_methods(out, hop->login),
	    socks5_read_method, &r) < 0)
		return -1;
	if (r.code == SOCKS5_NO_LOGIN)
		return 0;
	if (r.code == SOCKS5_NO_METHOD)
		return hop->login ? hop_says(hop, "it accepts no user and "
		    "password") : dialog_want_login(d, "it wants a login");
	if (r.code != SOCKS5_LOGIN || !hop->login)
		return hop_says(hop, "it chose a login that was not offered");
	if (dialog_ask(d, out, socks5_write_login(out, hop->user,
	    hop->password), socks5_read_login, &r) < 0)
		return -1;
	return r.code ? dialog_want_login(d, "it refused the user and "
	    "password") : 0;
}

/* Records a refusal of CONNECT. */
static int
dialog_refused(struct hop_dialog *d, const struct target *to, const char *why)
{
	fail_as(STATUS_NETWORK, "%s: %s", to->text, why);
	return hop_fault(d->hop);
}

static bool
socks5_may_pass(int code)
{
	enum { NOT_ALLOWED = 2, NO_COMMAND = 7 };

	return code != NOT_ALLOWED && code != NO_COMMAND;
}

static int
socks5_ask(struct hop_dialog *d, const struct target *to)
{
	uint8_t out[SOCKS5_ROOM];
	char why[64];
	struct reply r;

	if (socks5_enter(d) < 0 || dialog_ask(d, out, to->addr.len ?
	    socks5_write_connect(out, &to->addr) :
	    socks5_write_connect_name(out, to->endpoint),
	    socks5_read_connect, &r) < 0)
		return -1;
	if (!r.code)
		return 0;
	if (socks5_may_pass(r.code))
		d->failure = REFUSED_NOW;
	snprintf(why, sizeof(why), "%s (SOCKS reply %d)",
	    socks5_error(r.code), r.code);
	return dialog_refused(d, to, why);
}

static int
http_ask(struct hop_dialog *d, const struct target *to)
{
	enum { WANTS_LOGIN = 407, SERVER_ERRORS = 500 };
	char login[2 * SOCKS5_TEXT + 2], out[HTTP_CONNECT_ROOM];
	char line[LINE_SHOWN * ESCAPE_MAX + 1];
	struct reply r;

	snprintf(login, sizeof(login), "%s:%s", d->hop->user,
	    d->hop->password);
	if (dialog_ask(d, out, http_connect_write(out, to->text, d->hop->login ?
	    login : NULL), http_connect_read, &r) < 0)
		return -1;
	if (r.code / 100 == 2)
		return 0;
	if (r.code >= SERVER_ERRORS)
		d->failure = REFUSED_NOW;
	escape(d->room + r.line, r.line_length < LINE_SHOWN ? r.line_length :
	    LINE_SHOWN, false, line);
	dialog_refused(d, to, line);
	return r.code == WANTS_LOGIN ? fail_advise(ADVICE_PROXY_LOGIN) : -1;
}

/* The endpoint behind hop i. */
static const struct endpoint *
behind(const struct proxy_chain *c, int i, const struct endpoint *e)
{
	return i + 1 < c->count ? &c->hop[i + 1].endpoint : e;
}

/* Whether hop i gets an address: this host must look the name up. */
static bool
gets_address(const struct proxy_chain *c, int i, const struct endpoint *next)
{
	return c->hop[i].scheme == PROXY_SOCKS5 || next->numeric ||
	    (c->hop[i].scheme == PROXY_SOCKS5H && endpoint_is_literal(next));
}

static void
target_set(struct target *t, const struct endpoint *e, const struct addr *a)
{
	*t = (struct target){ .endpoint = e };
	if (a)
		t->addr = *a;
	if (a)
		addr_text(a, t->text);
	else
		endpoint_text(e, t->text);
}

/*
 * Looks up what hop i has to connect to, if it gets an address: then the list is
 * not empty.
 */
static int
hop_resolve(struct hop_dialog *d, const struct proxy_chain *c, int i,
    const struct endpoint *next, struct addr_list *out)
{
	*out = (struct addr_list){ 0 };
	if (!gets_address(c, i, next) || resolve(next, d->deadline, out) > 0)
		return 0;
	addr_list_free(out);
	d->failure = FAILS_NOW;
	if (!next->numeric)
		fail_add("socks5h:// lets the proxy look it up");
	return -1;
}

/* Asks hop i to connect to the next one, by the first of its addresses. */
static int
hop_pass(struct hop_dialog *d, const struct proxy_chain *c, int i,
    const struct endpoint *next, const struct addr *known)
{
	struct addr_list list = { 0 };
	struct target to;
	int result = 0;

	d->hop = &c->hop[i];
	if (!known)
		result = hop_resolve(d, c, i, next, &list);
	if (result == 0) {
		target_set(&to, next, known ? known : list.count ? list.at :
		    NULL);
		result = d->hop->scheme == PROXY_HTTP ? http_ask(d, &to) :
		    socks5_ask(d, &to);
	}
	addr_list_free(&list);
	return result;
}

/*
 * Records why a try failed. A hop's refusal says more than that the time is
 * over, or that the first proxy does not answer any more: then it stays.
 */
static int
chain_failed(struct hop_dialog *d)
{
	if (d->failure == REFUSED_NOW) {
		fail_save(&d->refusal);
		d->refused = true;
	} else if (d->refused && (d->failure == FAILS_NOW ||
	    fail_status() == STATUS_TIMEOUT))
		fail_restore(&d->refusal);
	return -1;
}

static int
first_dial(struct hop_dialog *d, const struct proxy_hop *first,
    const struct dial_options *o, struct addr *reached)
{
	d->fd = dial(&first->endpoint, o, d->deadline, reached);
	if (d->fd >= 0)
		return 0;
	if (fail_status() == STATUS_RESOLVE || dial_may_pass(errno))
		d->failure = FAILS_NOW;
	return hop_fault(first);
}

/* A try: dials the first proxy and asks all; known: the server's address. */
static int
chain_try(struct hop_dialog *d, const struct proxy_chain *c,
    const struct endpoint *e, const struct addr *known,
    const struct dial_options *o, struct addr *reached)
{
	int last = c->count - 1;

	d->failure = FAILS_ALWAYS;
	if (first_dial(d, &c->hop[0], o, reached) < 0)
		return chain_failed(d);
	for (int i = 0; i <= last; i++)
		if (hop_pass(d, c, i, behind(c, i, e), i == last ? known :
		    NULL) < 0) {
			close(d->fd);
			return chain_failed(d);
		}
	return d->fd;
}

/* Tries each of the server's addresses, or its name. */
static int
chain_round(struct hop_dialog *d, const struct proxy_chain *c,
    const struct endpoint *e, const struct dial_options *o,
    struct addr *reached)
{
	struct addr_list list;
	int fd = -1, i = 0;

	d->failure = FAILS_ALWAYS;
	if (hop_resolve(d, c, c->count - 1, e, &list) < 0)
		return chain_failed(d);
	do
		fd = chain_try(d, c, e, list.count ? &list.at[i] : NULL, o,
		    reached);
	while (fd < 0 && d->failure == REFUSED_NOW && ++i < list.count);
	addr_list_free(&list);
	return fd;
}

static int
chain_give_up(int rounds, int64_t wait)
{
	if (rounds > 1)
		fail_add("tried %d times within %g s", rounds,
		    (double)wait / 1e6);
	return -1;
}

int
proxy_dial(const struct proxy_chain *c, const struct endpoint *e,
    const struct dial_options *options, int64_t deadline, struct addr *reached)
{
	int64_t wait_end = loop_now() + options->wait;
	int64_t retry = RETRY_FIRST_US;
	struct dial_options once = *options;
	struct hop_dialog d = { .fd = -1, .deadline = deadline };

	once.wait = 0;
	if (options->wait && wait_end > deadline)
		d.deadline = wait_end;
	for (int rounds = 1;; rounds++) {
		int fd = chain_round(&d, c, e, &once, reached);

		if (fd >= 0)
			return fd;
		if (d.failure == FAILS_ALWAYS || loop_now() + retry > wait_end)
			return chain_give_up(rounds, options->wait);
		poll(NULL, 0, (int)(retry / 1000));
		retry = retry * 2 > RETRY_MAX_US ? RETRY_MAX_US : retry * 2;
	}
}

/* Whether a proxy may get this host to connect to; -1: a usage fault. */
static int
check_host(const char *host)
{
	for (const char *at = host; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == '\177')
			return fail_as(STATUS_USAGE, "the host has a blank or "
			    "a control character");
	return !strchr(host, '%') ? 0 : fail_as(STATUS_USAGE, "%.64s: a proxy "
	    "can't use this host's interface", host);
}

int
proxy_chain_check(const struct proxy_chain *c, const struct endpoint *e)
{
	enum proxy_scheme last = c->hop[c->count - 1].scheme;
	char place[sizeof("proxy 8:") + NUM_TEXT];

	if (check_host(e->host) < 0)
		return -1;
	for (int i = 1; i < c->count; i++)
		if (check_host(c->hop[i].endpoint.host) < 0) {
			snprintf(place, sizeof(place), "proxy %d:", i + 1);
			return fail_option(place);
		}
	if (last == PROXY_SOCKS5 || endpoint_is_literal(e))
		return 0;
	return e->family == AF_UNSPEC ? 0 : fail_as(STATUS_USAGE, "-4 and -6 "
	    "are for a name that this host looks up: socks5://");
}
