/*
 * The handshake with the proxies of a route. For each proxy:
 *
 *	question	sent			its reply leads to
 *	METHOD		methods of login	LOGIN, or CONNECT
 *	LOGIN		user and password	CONNECT
 *	CONNECT		an address or a name	the next proxy
 *	HTTP		CONNECT HOST:PORT	the next proxy, if it is 2xx
 *
 * One buffer has the request until it is sent, then the reply. Nothing behind a
 * reply is consumed: handshake_receive() looks at bytes before it takes them.
 */
#include "net/proxy_handshake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/fail.h"
#include "net/http_connect.h"

enum { LINE_SHOWN = 128 };	/* of a status line */

/* A proxy is asked to connect to this: an address, or a name and a port. */
struct target {
	const struct addr *addr;	/* NULL: the name counts */
	const struct endpoint *endpoint;
	char text[ENDPOINT_TEXT];	/* HOST:PORT */
};

static const struct proxy_hop *
hop_of(const struct proxy_handshake *h)
{
	return &h->route->chain->hop[h->hop];
}

/* Records what the proxy did; returns -1. */
static int
handshake_fail(const struct proxy_handshake *h, const char *why)
{
	fail_as(STATUS_NETWORK, "%s", why);
	return proxy_hop_fault(hop_of(h));
}

static int
hop_wants_login(const struct proxy_handshake *h, const char *why)
{
	handshake_fail(h, why);
	return fail_advise(ADVICE_PROXY_LOGIN);
}

static bool
is_last(const struct proxy_handshake *h)
{
	return h->hop + 1 == h->route->chain->count;
}

static void
target_find(const struct proxy_handshake *h, struct target *t)
{
	const struct proxy_route *r = h->route;

	t->endpoint = is_last(h) ? h->server :
	    &r->chain->hop[h->hop + 1].endpoint;
	t->addr = is_last(h) ? h->known : r->next[h->hop].len ?
	    &r->next[h->hop] : NULL;
	if (t->addr)
		addr_text(t->addr, t->text);
	else
		endpoint_text(t->endpoint, t->text);
}

/* Records a refusal of CONNECT. */
static int
hop_refuses(const struct proxy_handshake *h, const char *why)
{
	struct target to;

	target_find(h, &to);
	fail_as(STATUS_NETWORK, "%s: %s", to.text, why);
	return proxy_hop_fault(hop_of(h));
}

static size_t
write_method(const struct proxy_handshake *h, char *out)
{
	return socks5_write_methods((uint8_t *)out, hop_of(h)->login);
}

static size_t
write_login(const struct proxy_handshake *h, char *out)
{
	return socks5_write_login((uint8_t *)out, hop_of(h)->user,
	    hop_of(h)->password);
}

static size_t
write_connect(const struct proxy_handshake *h, char *out)
{
	struct target to;

	target_find(h, &to);
	return to.addr ? socks5_write_connect((uint8_t *)out, to.addr) :
	    socks5_write_connect_name((uint8_t *)out, to.endpoint);
}

static size_t
write_http(const struct proxy_handshake *h, char *out)
{
	char login[2 * SOCKS5_TEXT + 2];
	struct target to;

	target_find(h, &to);
	snprintf(login, sizeof(login), "%s:%s", hop_of(h)->user,
	    hop_of(h)->password);
	return http_connect_write(out, to.text, hop_of(h)->login ? login :
	    NULL);
}

static int
judge_method(struct proxy_handshake *h, const struct reply *r)
{
	bool login = hop_of(h)->login;

	if (r->code == SOCKS5_NO_LOGIN)
		return ASK_CONNECT;
	if (r->code == SOCKS5_LOGIN && login)
		return ASK_LOGIN;
	if (r->code != SOCKS5_NO_METHOD)
		return handshake_fail(h,
		    "it chose a login that was not offered");
	return login ? handshake_fail(h, "it accepts no user and password") :
	    hop_wants_login(h, "it wants a login");
}

static int
judge_login(struct proxy_handshake *h, const struct reply *r)
{
	return r->code ? hop_wants_login(h, "it refused the user and "
	    "password") : ASK_CONNECT;
}

static int
judge_connect(struct proxy_handshake *h, const struct reply *r)
{
	enum { NOT_ALLOWED = 2, REFUSED = 5, NO_COMMAND = 7 };
	char why[64];

	if (!r->code)
		return ASK_NEXT;
	h->refused = r->code == REFUSED;
	h->may_pass = r->code != NOT_ALLOWED && r->code != NO_COMMAND;
	snprintf(why, sizeof(why), "%s (SOCKS reply %d)",
	    socks5_error(r->code), r->code);
	return hop_refuses(h, why);
}

static int
judge_http(struct proxy_handshake *h, const struct reply *r)
{
	enum { WANTS_LOGIN = 407, SERVER_ERRORS = 500 };
	char line[LINE_SHOWN * ESCAPE_MAX + 1];

	if (r->code / 100 == 2)
		return ASK_NEXT;
	h->may_pass = r->code >= SERVER_ERRORS;
	escape(h->room + r->line, r->line_length < LINE_SHOWN ?
	    r->line_length : LINE_SHOWN, false, line);
	hop_refuses(h, line);
	return r->code == WANTS_LOGIN ? fail_advise(ADVICE_PROXY_LOGIN) : -1;
}

static const struct {
	size_t (*write)(const struct proxy_handshake *, char *out);
	reply_parser *read;
	/* Returns the next question, or -1 with a fault. */
	int (*judge)(struct proxy_handshake *, const struct reply *);
} questions[] = {
	[ASK_METHOD] = { write_method, socks5_read_method, judge_method },
	[ASK_LOGIN] = { write_login, socks5_read_login, judge_login },
	[ASK_CONNECT] = { write_connect, socks5_read_connect, judge_connect },
	[ASK_HTTP] = { write_http, http_connect_read, judge_http },
};

static void
handshake_ask(struct proxy_handshake *h, enum proxy_question q)
{
	h->question = q;
	h->asked = false;
	h->sent = 0;
	h->length = questions[q].write(h, h->room);
}

static void
handshake_greet(struct proxy_handshake *h)
{
	handshake_ask(h, hop_of(h)->scheme == PROXY_HTTP ? ASK_HTTP :
	    ASK_METHOD);
}

static enum proxy_step
handshake_broken(const struct proxy_handshake *h)
{
	fail("connection");
	proxy_hop_fault(hop_of(h));
	return HANDSHAKE_FAILED;
}

/* The bytes of a reply that have come are consumed, and it is not complete. */
static enum proxy_step
handshake_closed(struct proxy_handshake *h)
{
	h->may_pass = true;		/* ssh -D refuses so */
	handshake_fail(h, h->length ?
	    "it closed the connection within its reply" :
	    "it closed the connection without a reply");
	return HANDSHAKE_FAILED;
}

/* The three inner steps return HANDSHAKE_DONE if the handshake goes on. */
static enum proxy_step
handshake_send(struct proxy_handshake *h, int fd)
{
	while (h->sent < h->length) {
		ssize_t n = send(fd, h->room + h->sent, h->length - h->sent,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0)
			h->sent += (size_t)n;
		else if (errno == EAGAIN)
			return HANDSHAKE_WANTS_WRITE;
		else if (errno != EINTR)
			return handshake_broken(h);
	}
	h->asked = true;
	h->length = 0;
	return HANDSHAKE_DONE;
}

/* The reply is complete. */
static enum proxy_step
handshake_take(struct proxy_handshake *h, const struct reply *r)
{
	int next = questions[h->question].judge(h, r);

	if (next < 0)
		return HANDSHAKE_FAILED;
	if (next != ASK_NEXT) {
		handshake_ask(h, (enum proxy_question)next);
	} else if (is_last(h)) {
		h->reached = true;
	} else {
		h->hop++;
		handshake_greet(h);
	}
	return HANDSHAKE_DONE;
}

static int
handshake_enlarge(struct proxy_handshake *h)
{
	size_t size = h->size * 2 < HTTP_HEAD_MAX ? h->size * 2 :
	    HTTP_HEAD_MAX;
	char *room = realloc(h->room, size);

	if (!room) {
		fail("memory");
		return proxy_hop_fault(hop_of(h));
	}
	h->room = room;
	h->size = size;
	return 0;
}

/* Takes the new bytes of the reply out of the socket. */
static enum proxy_step
handshake_consume(struct proxy_handshake *h, int fd, const struct reply *r,
    size_t seen)
{
	size_t end = r->length < seen ? r->length : seen;
	size_t new = end - h->length;

	if (recv(fd, h->room + h->length, new, MSG_DONTWAIT) != (ssize_t)new)
		return handshake_broken(h);
	h->length = end;
	if (r->state == REPLY_DONE)
		return handshake_take(h, r);
	return h->length == h->size && handshake_enlarge(h) < 0 ?
	    HANDSHAKE_FAILED : HANDSHAKE_DONE;
}

static enum proxy_step
handshake_receive(struct proxy_handshake *h, int fd)
{
	ssize_t n = recv(fd, h->room + h->length, h->size - h->length,
	    MSG_PEEK | MSG_DONTWAIT);
	struct reply r;

	if (n == 0)
		return handshake_closed(h);
	if (n < 0 && errno == EAGAIN)
		return HANDSHAKE_WANTS_READ;
	if (n < 0)
		return errno == EINTR ? HANDSHAKE_DONE : handshake_broken(h);
	r = questions[h->question].read(h->room, h->length + (size_t)n);
	if (r.state == REPLY_BAD) {
		handshake_fail(h, r.why);
		return HANDSHAKE_FAILED;
	}
	return handshake_consume(h, fd, &r, h->length + (size_t)n);
}

int
proxy_handshake_begin(struct proxy_handshake *h, const struct proxy_route *r,
    const struct endpoint *server, const struct addr *known)
{
	*h = (struct proxy_handshake){
		.route = r, .server = server, .known = known,
		.size = HTTP_CONNECT_ROOM,
	};
	h->room = malloc(h->size);
	if (!h->room)
		return fail("proxy");
	handshake_greet(h);
	return 0;
}

enum proxy_step
proxy_handshake(struct proxy_handshake *h, int fd)
{
	enum proxy_step step = HANDSHAKE_DONE;

	while (step == HANDSHAKE_DONE && !h->reached)
		step = h->asked ? handshake_receive(h, fd) :
		    handshake_send(h, fd);
	return step;
}

void
proxy_handshake_end(struct proxy_handshake *h)
{
	free(h->room);
	h->room = NULL;
}

int
proxy_handshake_late(const struct proxy_handshake *h)
{
	fail_as(STATUS_TIMEOUT, "no answer in time");
	return proxy_hop_fault(hop_of(h));
}
