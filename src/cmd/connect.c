/*
 * rpnc connect: a byte-exact relay between stdin, stdout and a server. Steps:
 * dial, perhaps through proxies; open the app and the relay, perhaps a prompt;
 * then run the loop until the connection is gone. A prompt also says which
 * process accepted, once the kernel knows. --pass-fd gives the socket away
 * instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "app/confine.h"
#include "app/emit.h"
#include "base/container.h"
#include "base/escape.h"
#include "base/fail.h"
#include "cmd/command.h"
#include "cmd/connect_to.h"
#include "cmd/multicast_options.h"
#include "cmd/netcat.h"
#include "cmd/proxy_options.h"
#include "cmd/sockopt_options.h"
#include "cmd/tls_options.h"
#include "group/members.h"
#include "net/accept_queue.h"
#include "net/dial.h"
#include "net/proxy_dial.h"
#include "net/proxy_send.h"
#include "net/rights.h"
#include "tls/tls_conn.h"
#include "tls/tls_connect.h"

enum {
	ANSWER_US = 5 * 1000,		/* from one try to the next */
	ANSWER_TRIES = 200,
	TLS_TEXT = 64,
};

static int
check_port(const struct endpoint *e)
{
	if (!e->local && !e->port)
		return fail_as(STATUS_USAGE, "port 0: want 1 to 65535");
	return 0;
}

/* Where the connection goes: to the server, or to the first proxy. */
struct route {
	struct endpoint server;
	struct proxy_chain proxies;
	struct tls_context tls;
	const char *tls_name;
	struct tls *session;	/* after the handshake */
	struct addr peer;
	int64_t limit;		/* of loop_now(), for all until it is open */
	int64_t deadline;	/* the same without --wait */
	const struct settings *settings;
	struct connect_to to;	/* with --to */
};

/* Sends the PROXY header, if one is asked for; -1: fd is closed. */
static int
connect_header(const struct settings *s, int fd)
{
	if (proxy_send(fd, (enum proxy_version)s->send_proxy) == 0)
		return fd;
	fail("PROXY header");
	close(fd);
	return -1;
}

/* Makes the TLS handshake, if TLS is asked for; -1: fd is closed. */
static int
connect_handshake(struct route *r, int fd)
{
	if (!r->tls.ssl)
		return fd;
	r->session = tls_connect(&r->tls, fd, r->tls_name, r->limit);
	if (r->session)
		return fd;
	close(fd);
	return -1;
}

/* Makes one connection, and sends what comes before all else. */
static int
dial_once(void *user, const struct endpoint *e, const struct dial_options *o)
{
	struct route *r = user;
	int fd = r->proxies.count ? proxy_dial(&r->proxies, e, o, r->deadline,
	    &r->peer) : dial(e, o, r->deadline, &r->peer);

	return fd < 0 ? -1 : connect_header(r->settings, fd);
}

static int
dial_to(struct route *r, const struct dial_options *o)
{
	struct connect_to *to = &r->to;

	to->server = &r->server;
	to->options = o;
	to->proxied = r->proxies.count > 0;
	to->hidden = r->tls.ssl != NULL;
	to->dial = dial_once;
	to->user = r;
	return connect_to(to, r->limit);
}

static int
connect_dial(struct netcat *n, const struct settings *s, struct route *r)
{
	struct dial_options o = {
		.datagram = s->udp, .interface = s->interface,
		.source_port = (uint16_t)s->source_port, .wait = s->wait,
		.stream = settings_stream(s),
		.congestion = &n->congestion, .sockopts = &s->sockopts,
	};
	int64_t deadline = loop_now() + s->connect_timeout;
	int fd = -1;

	r->limit = r->deadline = deadline;
	r->settings = s;
	if (s->wait > s->connect_timeout)
		r->limit += s->wait - s->connect_timeout;
	if (settings_source(s, deadline, &o.source) == 0)
		fd = s->to ? dial_to(r, &o) : dial_once(r, &r->server, &o);
	addr_list_free(&o.source);
	if (fd >= 0 && !r->server.local && !s->udp)
		congestion_settle(&n->congestion, fd);
	return fd < 0 ? -1 : connect_handshake(r, fd);
}

static void
on_closed(struct netcat *n, struct conn *c)
{
	if (c->ops->datagram)
		emit_lost(&n->app, listener_drops(c->source.fd));
}

static void
on_last(struct netcat *n)
{
	loop_stop(&n->app.loop);
}

/* Finds the socket of the other end, if it is on this host. */
static bool
find_end(const struct netcat *n, struct sock_diag *diag, const struct conn *c,
    struct diag_sock *end)
{
	int protocol = n->app.settings->udp ? IPPROTO_UDP : IPPROTO_TCP;
	struct addr own;

	return diag && sock_name(c->source.fd, &own) == 0 &&
	    sock_diag_get(diag, protocol, &c->peer, &own, end) > 0;
}

/* Prints which process has the other end, from the kernel and the registry. */
static void
print_answerer(struct netcat *n, struct sockinfo *l, const struct conn *c)
{
	bool datagram = n->app.settings->udp;
	char safe[sizeof(((struct owner *)0)->command) * ESCAPE_MAX + 1];
	char room[REGISTRY_NAME];
	const char *name = "";
	struct diag_sock end;
	struct owner owner;
	struct registry *r;

	if (!l->owners || !find_end(n, l->diag, c, &end) ||
	    owners_find(l->owners, end.inode, &owner) <= 0)
		return;
	r = registry_open_existing(datagram, addr_port(&c->peer));
	for (int i = 0; r && i < REGISTRY_SLOTS; i++)
		if (registry_is_member(r, i) &&
		    slot_pid(registry_slot(r, i)) == owner.pid)
			name = slot_name(registry_slot(r, i), room);
	escape(owner.command, strlen(owner.command), false, safe);
	session_print(&n->session, "accepted by %s%s%s, pid %d\n", name,
	    *name ? ", " : "", safe, (int)owner.pid);
	if (r)
		registry_close(r);
}

/* Finds the process that accepted; it may do so a moment after connect(2). */
struct answer {
	struct timer timer;
	struct netcat *netcat;
	struct sockinfo sockinfo;
	int tries;
};

static void
on_answer(struct timer *timer)
{
	struct answer *a = container_of(timer, struct answer, timer);
	struct netcat *n = a->netcat;
	struct conn *c = n->relay.conns;
	struct diag_sock end;

	if (!c || !a->sockinfo.diag)
		return;
	if (!n->app.settings->udp && --a->tries > 0 &&
	    find_end(n, a->sockinfo.diag, c, &end) && !end.inode)
		loop_timer_set(&n->app.loop, timer, loop_now() + ANSWER_US);
	else
		print_answerer(n, &a->sockinfo, c);
}

static void
on_connect_quit(struct session *s)
{
	loop_stop(s->loop);
}

static int
connect_prompt(struct netcat *n, struct answer *a)
{
	static const struct session_ops ops = { .quit = on_connect_quit };

	n->session.ops = &ops;
	n->session.commands = session_commands;
	n->session.name = "";
	n->session.focus = n->relay.conns;
	if (netcat_prompt(n) < 0)
		return -1;
	a->netcat = n;
	a->tries = ANSWER_TRIES;
	a->timer.on_timer = on_answer;
	if (n->relay.conns->peer.sa.sa_family == AF_UNIX ||
	    n->app.settings->proxies.count)
		return 0;
	sockinfo_open(&a->sockinfo);
	return loop_timer_set(&n->app.loop, &a->timer, loop_now() +
	    ANSWER_US);
}

/* ", TLSv1.3, verified by its key"; without TLS "". */
static const char *
tls_text(const struct route *r, const struct conn *c, char text[static TLS_TEXT])
{
	const struct tls *t = tls_of(c);
	struct tls_facts facts;

	text[0] = '\0';
	if (!t)
		return text;
	tls_facts(t, &facts);
	snprintf(text, TLS_TEXT, ", %.16s, %s", facts.version,
	    !facts.verified ? "NOT verified" :
	    r->tls.pinned ? "verified by its key" : "verified");
	return text;
}

/* Says how the member of --to was reached. */
static void
emit_reached(struct netcat *n, const struct reach *r)
{
	struct event e = {
		.kind = EVENT_REACHED, .number = r->who.worker,
		.name = r->who.name[0] ? r->who.name : NULL,
		.command = r->who.command[0] ? r->who.command : NULL,
		.pid = r->who.pid ? r->who.pid : -1,
		.how = reach_names[r->how], .tries = r->tries,
		.seen = r->seen, .steered = r->steered,
		.reason = r->why,
		.datagram = r->datagram,
	};

	emit_event(&n->app, &e);
}

static void
on_opened(struct netcat *netcat, struct conn *c)
{
	char line[ADDR_TEXT + ENDPOINT_TEXT + TLS_TEXT + 32], tls[TLS_TEXT];
	char peer[ADDR_TEXT], server[ENDPOINT_TEXT];
	const struct route *r = netcat->user;
	bool direct = !r->proxies.count;
	int n;

	if (!c->peer.len)	/* already reset: getpeername(2) fails */
		c->peer = r->peer;
	if (netcat->app.settings->tls_insecure)
		emit_notice(&netcat->app, "TLS: nothing is verified, so the "
		    "peer may be anybody");
	if (netcat->app.settings->to)
		emit_reached(netcat, &r->to.reach);
	emit_sockopts(&netcat->app, c->source.fd);
	if (netcat->app.settings->mptcp && !sock_has_mptcp_peer(c->source.fd))
		emit_notice(&netcat->app, "the server has no MPTCP: this is "
		    "plain TCP");
	if (!netcat_wants_prompt(netcat->app.settings)) {
		emit_connected(&netcat->app, c);
		return;
	}
	n = snprintf(line, sizeof(line), "connected to %s%s%s%s\n",
	    direct ? "" : endpoint_text(&r->server, server),
	    direct ? "" : " through ", addr_text(&c->peer, peer),
	    tls_text(r, c, tls));
	sink_write(&netcat->app.out, line, (size_t)n);
}

static int
pass_check(const struct settings *s)
{
	if (!s->pass_fd || sock_get_int(STDOUT_FILENO, SOL_SOCKET, SO_DOMAIN,
	    -1) == AF_UNIX)
		return 0;
	return fail_as(STATUS_USAGE, "--pass-fd: stdout must be a Unix socket, "
	    "as ssh's ProxyUseFdpass makes it");
}

/* Sends fd over stdout, and waits for room in it. */
static int
pass_send(int fd, int64_t limit)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	while (rights_send(STDOUT_FILENO, fd) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return fail("stdout");
		if (loop_now() >= limit)
			return fail_as(STATUS_TIMEOUT, "stdout: nobody "
			    "received the socket in time");
		if (loop_poll(&out, 1, limit) < 0)
			return -1;
	}
	return STATUS_OK;
}

/* Gives fd away in the blocking mode that a program expects. */
static int
connect_pass(int fd, int64_t limit)
{
	int flags = fcntl(fd, F_GETFL), status;

	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		status = fail("--pass-fd");
	else
		status = pass_send(fd, limit);
	close(fd);
	return status;
}

/* Checks all that was asked for, before a packet is sent. */
static int
connect_check(struct netcat *n, const struct settings *s, int count,
    char *const *words, struct route *r)
{
	return settings_endpoint(s, count, words, &r->server) < 0 ||
	    check_port(&r->server) < 0 || netcat_check(n, s) < 0 ||
	    multicast_options_client(s, &r->server) < 0 ||
	    sockopt_options_check(s, &r->server, SOCKOPT_CLIENT) < 0 ||
	    pass_check(s) < 0 ||
	    (s->to && connect_to_read(&r->to, s) < 0) ||
	    proxy_options(s, &r->server, &r->proxies) < 0 ||
	    tls_options_name(s, &r->server, &r->tls_name) < 0 ||
	    tls_options_client(s, &r->tls) < 0 ? -1 : 0;
}

/* Makes the connection of fd and of the TLS session; NULL: both are freed. */
static struct conn *
connect_conn(struct netcat *n, const struct settings *s, struct route *r, int fd)
{
	struct conn *c = conn_adopt(&n->app.loop, fd, s->udp ?
	    &conn_datagram : s->seqpacket ? &conn_seqpacket : &conn_stream);

	if (c && (!r->session || tls_conn_wrap(c, r->session) == 0))
		return c;
	tls_free(r->session);
	if (c)
		conn_free(c);
	else
		close(fd);
	return NULL;
}

/* Opens the app and the relay, and gives fd to it. */
static int
connect_open(struct netcat *n, const struct settings *s, struct route *r, int fd)
{
	struct conn *c;

	if (netcat_open(n, s) < 0) {
		tls_free(r->session);
		close(fd);
		return -1;
	}
	c = connect_conn(n, s, r, fd);
	if (!c)
		return -1;
	if (netcat_add(n, c) == 0)
		return 0;
	conn_free(c);
	return -1;
}

static int
connect_confine(struct netcat *n)
{
	if (!n->app.settings->udp && !n->app.settings->local)
		relay_prepare(&n->relay);
	return app_confine(&n->app, n->interactive ? KEEPS_PROMPT |
	    KEEPS_OTHERS : 0, NULL);
}

/* Takes over fd, and runs until it is closed. */
static int
connect_relay(struct netcat *n, const struct settings *s, struct route *r,
    int fd, int *ended_by)
{
	struct answer answer = { .netcat = NULL };
	int status;

	if (connect_open(n, s, r, fd) < 0)
		return -1;
	if ((netcat_wants_prompt(s) && connect_prompt(n, &answer) < 0) ||
	    connect_confine(n) < 0 || loop_run(&n->app.loop) < 0)
		app_fault(&n->app);
	sockinfo_close(&answer.sockinfo);
	status = netcat_close(n);
	*ended_by = n->app.ended_by;
	return status;
}

/* Connects, and gives the connection away, or relays until it is closed. */
static int
connect_through(struct netcat *n, const struct settings *s, struct route *r,
    int *ended_by)
{
	int fd;

	/* proxies and TLS send bytes before there is a relay */
	if ((s->proxies.count || s->tls) && app_confine_early(s, KEEPS_FILES |
	    KEEPS_DIAL | KEEPS_NAMES | KEEPS_OTHERS | KEEPS_PROMPT) < 0)
		return -1;
	fd = connect_dial(n, s, r);
	if (fd < 0)
		return -1;
	return s->pass_fd ? connect_pass(fd, r->limit) :
	    connect_relay(n, s, r, fd, ended_by);
}

static int
connect_run(struct settings *s, int count, char *const *words, int *ended_by)
{
	struct netcat n = { .on_last = on_last, .on_closed = on_closed,
	    .on_opened = on_opened };
	struct route r = { .session = NULL };
	int status = -1;

	n.user = &r;
	if (connect_check(&n, s, count, words, &r) == 0)
		status = connect_through(&n, s, &r, ended_by);
	tls_context_close(&r.tls);
	return status;
}

const struct command connect_command = {
	.name = "connect",
	.synopsis = "connect [options] [host] port",
	.summary = "talk to a server",
	.tables = { connecting_options, data_options, tls_connect_options,
	    address_options, output_options, NULL },
	.host = WORDS_HOST,
	.run = connect_run,
};
