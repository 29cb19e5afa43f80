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
 * chain. --wait starts again while the refusal is one that may go away.
 *
 * Nothing behind a reply is consumed: read_reply() looks at bytes before it
 * takes them. One deadline limits all of it.
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
#include "net/http_connect.h"
#include "net/resolve.h"

enum { RETRY_FIRST_US = 10 * 1000, RETRY_MAX_US = 250 * 1000 };
enum { LINE_SHOWN = 128 };	/* of a status line */

/* What a hop is asked to connect to: an address, or a name and a port. */
struct target {
	struct addr addr;		/* len 0: the name counts */
	const struct endpoint *endpoint;
	char text[ENDPOINT_TEXT];	/* HOST:PORT */
};

/* A hop that is being asked. */
struct talk {
	int fd;
	const struct proxy_hop *hop;
	int64_t deadline, wait;	/* wait: as in dial_options */
	bool may_pass;		/* refused, but another try may succeed */
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
talk_wait(const struct talk *t, short events)
{
	struct pollfd p = { .fd = t->fd, .events = events };

	if (loop_now() < t->deadline) {
		poll(&p, 1, loop_ms_until(t->deadline));
		return 0;
	}
	fail_as(STATUS_TIMEOUT, "no answer in time");
	return hop_fault(t->hop);
}

static int
talk_broken(const struct talk *t)
{
	fail("connection");
	return hop_fault(t->hop);
}

static int
send_all(const struct talk *t, const void *data, size_t length)
{
	const char *at = data;

	while (length) {
		ssize_t n = send(t->fd, at, length, MSG_DONTWAIT |
		    MSG_NOSIGNAL);

		if (n >= 0) {
			at += n;
			length -= (size_t)n;
		} else if (errno != EAGAIN && errno != EINTR)
			return talk_broken(t);
		else if (talk_wait(t, POLLOUT) < 0)
			return -1;
	}
	return 0;
}

/* The next bytes, without consuming them; 0: none yet; -1: a fault. */
static ssize_t
peek_more(struct talk *t, size_t have)
{
	ssize_t n = recv(t->fd, t->room + have, sizeof(t->room) - have,
	    MSG_PEEK | MSG_DONTWAIT);

	if (n > 0)
		return n;
	if (n == 0) {
		t->may_pass = true;	/* ssh -D: the server refused */
		return hop_says(t->hop, have ? "it closed the connection "
		    "within its reply" : "it closed the connection without a "
		    "reply");
	}
	return errno != EAGAIN && errno != EINTR ? talk_broken(t) :
	    talk_wait(t, POLLIN);
}

/* Consumes a reply, and nothing behind it. -1: a fault. */
static int
read_reply(struct talk *t, reply_parser *parse, struct reply *r)
{
	size_t have = 0;

	*r = (struct reply){ .state = REPLY_MORE };
	do {
		ssize_t n = peek_more(t, have);
		size_t took = have;

		if (n < 0)
			return -1;
		if (n == 0)
			continue;
		*r = parse(t->room, have + (size_t)n);
		if (r->state == REPLY_BAD)
			return hop_says(t->hop, r->why);
		have = r->length < have + (size_t)n ? r->length :
		    have + (size_t)n;
		if (recv(t->fd, t->room + took, have - took,
		    MSG_DONTWAIT) != (ssize_t)(have - took))
			return talk_broken(t);
	} while (r->state == REPLY_MORE);
	return 0;
}

static int
ask(struct talk *t, const void *request, size_t length, reply_parser *parse,
    struct reply *r)
{
	return send_all(t, request, length) < 0 ? -1 :
	    read_reply(t, parse, r);
}

static int
want_login(const struct talk *t, const char *why)
{
	hop_says(t->hop, why);
	return fail_advise(ADVICE_PROXY_LOGIN);
}

/* Agrees on a method, and logs in if it is the one with a password. */
static int
socks5_enter(struct talk *t)
{
	const struct proxy_hop *hop = t->hop;
	uint8_t out[SOCKS5_ROOM];
	struct reply r;

	if (ask(t, out, socks5_write_methods(out, hop->login),
	    socks5_read_method, &r) < 0)
		return -1;
	if (r.code == SOCKS5_NO_LOGIN)
		return 0;
	if (r.code == SOCKS5_NO_METHOD)
		return hop->login ? hop_says(hop, "it accepts no user and "
		    "password") : want_login(t, "it wants a login");
	if (r.code != SOCKS5_LOGIN || !hop->login)
		return hop_says(hop, "it chose a login that was not offered");
	if (ask(t, out, socks5_write_login(out, hop->user, hop->password),
	    socks5_read_login, &r) < 0)
		return -1;
	return r.code ? want_login(t, "it refused the user and password") : 0;
}

/* Records a refusal of CONNECT. */
static int
refused(struct talk *t, const struct target *to, const char *why)
{
	fail_as(STATUS_NETWORK, "%s: %s", to->text, why);
	return hop_fault(t->hop);
}

static bool
socks5_may_pass(int code)
{
	enum { NOT_ALLOWED = 2, NO_COMMAND = 7 };

	return code != NOT_ALLOWED && code != NO_COMMAND;
}

static int
socks5_ask(struct talk *t, const struct target *to)
{
	uint8_t out[SOCKS5_ROOM];
	char why[64];
	struct reply r;

	if (socks5_enter(t) < 0 || ask(t, out, to->addr.len ?
	    socks5_write_connect(out, &to->addr) :
	    socks5_write_connect_name(out, to->endpoint),
	    socks5_read_connect, &r) < 0)
		return -1;
	if (!r.code)
		return 0;
	t->may_pass = socks5_may_pass(r.code);
	snprintf(why, sizeof(why), "%s (SOCKS reply %d)",
	    socks5_error(r.code), r.code);
	return refused(t, to, why);
}

static int
http_ask(struct talk *t, const struct target *to)
{
	enum { WANTS_LOGIN = 407, SERVER_ERRORS = 500 };
	char login[2 * SOCKS5_TEXT + 2], out[HTTP_CONNECT_ROOM];
	char line[LINE_SHOWN * ESCAPE_MAX + 1];
	struct reply r;

	snprintf(login, sizeof(login), "%s:%s", t->hop->user,
	    t->hop->password);
	if (ask(t, out, http_connect_write(out, to->text, t->hop->login ?
	    login : NULL), http_connect_read, &r) < 0)
		return -1;
	if (r.code / 100 == 2)
		return 0;
	t->may_pass = r.code >= SERVER_ERRORS;
	escape(t->room + r.line, r.line_length < LINE_SHOWN ? r.line_length :
	    LINE_SHOWN, false, line);
	refused(t, to, line);
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
hop_resolve(const struct talk *t, const struct proxy_chain *c, int i,
    const struct endpoint *next, struct addr_list *out)
{
	*out = (struct addr_list){ 0 };
	if (!gets_address(c, i, next) || resolve_wait(next, t->deadline,
	    t->wait, NULL, out) > 0)
		return 0;
	addr_list_free(out);
	if (!next->numeric)
		fail_add("socks5h:// lets the proxy look it up");
	return -1;
}

/* Asks hop i to connect to the next one, by the first of its addresses. */
static int
hop_pass(struct talk *t, const struct proxy_chain *c, int i,
    const struct endpoint *next, const struct addr *known)
{
	struct addr_list list = { 0 };
	struct target to;
	int result = 0;

	t->hop = &c->hop[i];
	if (!known)
		result = hop_resolve(t, c, i, next, &list);
	if (result == 0) {
		target_set(&to, next, known ? known : list.count ? list.at :
		    NULL);
		result = t->hop->scheme == PROXY_HTTP ? http_ask(t, &to) :
		    socks5_ask(t, &to);
	}
	addr_list_free(&list);
	return result;
}

/* A try: dials the first proxy and asks all; known: the server's address. */
static int
chain_try(struct talk *t, const struct proxy_chain *c,
    const struct endpoint *e, const struct addr *known,
    const struct dial_options *o, struct addr *reached)
{
	int last = c->count - 1;

	t->may_pass = false;
	t->fd = dial(&c->hop[0].endpoint, o, t->deadline, reached);
	if (t->fd < 0)
		return hop_fault(&c->hop[0]);
	for (int i = 0; i <= last; i++)
		if (hop_pass(t, c, i, behind(c, i, e), i == last ? known :
		    NULL) < 0) {
			close(t->fd);
			return -1;
		}
	return t->fd;
}

/* Tries each of the server's addresses, or its name. */
static int
chain_round(struct talk *t, const struct proxy_chain *c,
    const struct endpoint *e, const struct dial_options *o,
    struct addr *reached)
{
	struct addr_list list;
	int fd = -1, i = 0;

	t->may_pass = false;
	if (hop_resolve(t, c, c->count - 1, e, &list) < 0)
		return -1;
	do
		fd = chain_try(t, c, e, list.count ? &list.at[i] : NULL, o,
		    reached);
	while (fd < 0 && t->may_pass && ++i < list.count);
	addr_list_free(&list);
	return fd;
}

int
proxy_dial(const struct proxy_chain *c, const struct endpoint *e,
    const struct dial_options *options, int64_t deadline, struct addr *reached)
{
	int64_t wait_end = loop_now() + options->wait;
	int64_t retry = RETRY_FIRST_US;
	struct dial_options o = *options;
	struct talk t = { .fd = -1, .deadline = deadline,
	    .wait = options->wait };

	if (options->wait && wait_end > deadline)
		t.deadline = wait_end;
	for (;;) {
		int fd = chain_round(&t, c, e, &o, reached);

		if (fd >= 0 || !t.may_pass || loop_now() + retry > wait_end)
			return fd;
		poll(NULL, 0, (int)(retry / 1000));
		retry = retry * 2 > RETRY_MAX_US ? RETRY_MAX_US : retry * 2;
		o.wait = t.wait = wait_end - loop_now();
	}
}

int
proxy_chain_check(const struct proxy_chain *c, const struct endpoint *e)
{
	enum proxy_scheme last = c->hop[c->count - 1].scheme;

	for (const char *at = e->host; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == '\177')
			return fail_as(STATUS_USAGE, "the host has a blank or "
			    "a control character");
	if (strchr(e->host, '%'))
		return fail_as(STATUS_USAGE, "%.64s: a proxy can't use this "
		    "host's interface", e->host);
	if (last == PROXY_SOCKS5 || endpoint_is_literal(e))
		return 0;
	return e->family == AF_UNSPEC ? 0 : fail_as(STATUS_USAGE, "-4 and -6 "
	    "are for a name that this host looks up: socks5://");
}
