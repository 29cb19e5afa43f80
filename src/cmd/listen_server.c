/*
 * The server of rpnc listen. The acceptor (udp_peers for datagrams) owns the
 * sockets, the relay (or with a command listen_program.c) owns the connections,
 * and stop leaves the group.
 *
 *	state		sockets		what moves it on
 *	running		open		/pause, /leave, the first client without
 *					-k, or listen_end()
 *	paused		open, unread	/resume, /leave or listen_end()
 *	leaving		drained		on_away(), once they are closed: to
 *	(leave.active)			away, or to ending if leave.ends
 *	away		closed		/join: to running. listen_end(), or
 *					without -k the last session's end
 *	ending		closed		the last session closes, --grace is
 *	(leave.ends)			over, or a second signal: the loop ends
 *
 * listen_end() comes from a signal, /quit, /drain, --replace in another
 * member, or the end of input with --until input. Without a group and a command
 * it skips leaving, and ends the sessions at once.
 */
#include "cmd/listen_server.h"

#include <signal.h>
#include <unistd.h>

#include "app/emit.h"
#include "base/container.h"
#include "base/fail.h"
#include "base/num.h"
#include "serve/confine.h"

enum { PEERS_MAX = 1024 };

static struct listen_server *
listen_of_netcat(struct netcat *n)
{
	return container_of(n, struct listen_server, netcat);
}

static struct counters *
listen_counters(struct listen_server *v)
{
	return &membership_slot(&v->membership)->counters;
}

void
listen_refresh(struct listen_server *v)
{
	struct session *s = &v->netcat.session;

	if (!v->netcat.interactive)
		return;
	s->accepted = listen_counters(v)->accepted;
	s->denied = listen_counters(v)->denied;
	s->total = v->settings->reuseport ? membership_total(&v->membership)
					  : 0;
	session_refresh(s);
	header_touch(&v->header.screen.top);
}

void
listen_show_state(struct listen_server *v, enum slot_state state)
{
	if (state == STATE_RUNNING && v->acceptor.full)
		state = STATE_FULL;
	registry_set_state(v->membership.registry, v->membership.slot, state);
}

void
listen_stopped(struct netcat *n, bool stopping)
{
	struct listen_server *v = container_of(n, struct listen_server, netcat);

	if (n->session.state < STATE_AWAY)
		listen_show_state(v, stopping ? STATE_STOPPED : n->session.state);
	if (stopping)
		header_suspend(&v->header.screen.top);
	else
		header_resume(&v->header.screen.top);
}

void
listen_wait(struct listen_server *v)
{
	if (v->settings->accept_timeout && v->listening.count)
		loop_timer_set(&v->netcat.app.loop, &v->accept_timeout,
		    loop_now() + v->settings->accept_timeout);
}

static void
on_accept_timeout(struct timer *timer)
{
	struct listen_server *v = container_of(timer, struct listen_server,
	    accept_timeout);
	char time[NUM_TEXT];

	fail_as(STATUS_TIMEOUT, "no client came in %s",
	    duration_text(v->settings->accept_timeout, time));
	app_fatal(&v->netcat.app);
}

static void
on_opened(struct netcat *netcat, struct conn *c)
{
	struct listen_server *v = listen_of_netcat(netcat);

	listen_refresh(v);
	emit_accepted(&netcat->app, c,
	    netcat->interactive ? v->membership.name : NULL,
	    listen_counters(v)->accepted, v->netcat.session.total);
}

void
listen_session_over(struct listen_server *v, uint64_t in, uint64_t out,
    struct source_count *counted)
{
	struct counters *n = listen_counters(v);

	n->closed++;
	n->in += in;
	n->out += out;
	admission_left(&v->setup.admission, counted);
	listen_refresh(v);
	if (!v->settings->udp)
		acceptor_freed(&v->acceptor);
	stop_closed(&v->stop);
}

static void
on_closed(struct netcat *netcat, struct conn *c)
{
	listen_session_over(listen_of_netcat(netcat), c->in, c->out, c->counted);
}

static void
on_last(struct netcat *n)
{
	struct listen_server *v = listen_of_netcat(n);

	bool done = v->settings->until == UNTIL_INPUT &&
	    n->relay.in.ended;

	if (done && v->settings->reuseport && !v->stop.leave.ends)
		listen_end(v);
	else if (v->settings->keep && !v->stop.leave.ends && !done)
		listen_wait(v);
	else if (!v->stop.leave.active && !accept_setup_waits(&v->setup))
		loop_stop(&n->app.loop);
}

static void
on_drained(struct netcat *n)
{
	struct listen_server *v = listen_of_netcat(n);

	if (n->interactive && n->session.state == STATE_PAUSED)
		return;
	if (v->settings->udp)
		udp_peers_resume(&v->peers);
	else
		acceptor_resume(&v->acceptor);
}

/*
 * Without -k one client is enough, and later ones are refused. In a group a
 * plain close would reset connections that the kernel has already given to us,
 * so it leaves the group in order and serves them, too.
 */
static void
close_listener(struct listen_server *v)
{
	v->closing = true;
	if (v->settings->reuseport)
		stop_begin(&v->stop);
	else {
		membership_emit_holder(&v->netcat.app, &v->listening);
		v->listening.count = 0;
		v->membership.stats.closed = true;
		acceptor_close(&v->acceptor);
		accept_setup_cut(&v->setup, REASON_LOCAL);
	}
}

/* The connection can't be served; fail_text() says why. */
static void
listen_fail(struct listen_server *v, struct conn *c)
{
	emit_error(&v->netcat.app);
	listen_counters(v)->closed++;
	admission_left(&v->setup.admission, c->counted);
	conn_free(c);
	acceptor_freed(&v->acceptor);
}

static void
on_accept(struct acceptor *a, int fd)
{
	struct listen_server *v = a->user;
	struct conn *c = conn_adopt(&v->netcat.app.loop, fd,
	    v->settings->seqpacket ? &conn_seqpacket : &conn_stream);

	if (!c) {
		emit_error(&v->netcat.app);
		close(fd);
		acceptor_freed(a);
		return;
	}
	listen_counters(v)->accepted++;
	if (accept_setup_add(&v->setup, c) < 0)
		listen_fail(v, c);
}

static void
on_ready(struct accept_setup *p, struct conn *c)
{
	struct listen_server *v = container_of(p, struct listen_server, setup);

	loop_timer_cancel(&v->netcat.app.loop, &v->accept_timeout);
	if (v->on_client)
		v->on_client(v, c);
	else if (netcat_add(&v->netcat, c) < 0) {
		listen_fail(v, c);
		return;
	}
	if (!v->settings->keep && !v->closing)
		close_listener(v);
	else if (!v->netcat.interactive && sink_full(&v->netcat.app.out))
		acceptor_pause(&v->acceptor);
}

/* It gets an id and its two events, although it was never served. */
static void
on_refused(struct accept_setup *p, struct conn *c, enum reason reason,
    bool news)
{
	struct listen_server *v = container_of(p, struct listen_server, setup);
	struct netcat *n = &v->netcat;

	if (news)
		emit_error(&n->app);
	listen_counters(v)->denied += reason == REASON_DENIED;
	c->id = ++n->last_id;
	on_opened(n, c);
	emit_closed(&n->app, c, reason);
	on_closed(n, c);
	conn_free(c);
	if (v->closing && !n->relay.count && !program_is_busy(&v->program))
		on_last(n);
	else if (!n->interactive && sink_full(&n->app.out))
		acceptor_pause(&v->acceptor);
}

static void
on_exhausted(struct acceptor *a)
{
	struct listen_server *v = a->user;

	emit_error(&v->netcat.app);
}

static void
on_full(struct acceptor *a, bool full)
{
	struct listen_server *v = a->user;

	if (v->settings->reuseport)
		membership_full(v->membership.registry, v->membership.slot,
		    full);
}

static bool
peers_may_read(struct udp_peers *p)
{
	struct listen_server *v = p->user;

	return !sink_full(&v->netcat.app.out);
}

static void
on_batch(struct udp_peers *p, bool begins)
{
	struct listen_server *v = p->user;

	if (begins)
		sink_cork(&v->netcat.app.out);
	else
		sink_uncork(&v->netcat.app.out);
}

static bool
peers_admit(struct udp_peers *p, const struct addr *from)
{
	struct listen_server *v = p->user;

	if (admission_judge_address(&v->setup.admission, from) == 0)
		return true;
	listen_counters(v)->denied++;
	if (backoff_is_due(&v->setup.reported->denied))
		emit_error(&v->netcat.app);
	return false;
}

static int
on_peer(struct udp_peers *p, struct conn *c)
{
	struct listen_server *v = p->user;

	loop_timer_cancel(&v->netcat.app.loop, &v->accept_timeout);
	listen_counters(v)->accepted++;
	if (admission_enter(&v->setup.admission, c) == 0 &&
	    netcat_add(&v->netcat, c) == 0)
		return 0;
	admission_left(&v->setup.admission, c->counted);
	listen_counters(v)->closed++;
	return -1;
}

static void
on_cut(struct udp_peers *p)
{
	netcat_lost(&((struct listen_server *)p->user)->netcat);
}

static void
on_receive_exhausted(struct udp_peers *p)
{
	struct listen_server *v = p->user;

	emit_error(&v->netcat.app);
}

static void
on_evict(struct udp_peers *p, struct conn *c)
{
	struct listen_server *v = p->user;

	relay_close(&v->netcat.relay, c, REASON_LOCAL, 0);
}

int
listen_open(struct listen_server *v)
{
	if (v->settings->udp)
		return udp_peers_open(&v->peers, &v->netcat.app.loop,
		    &v->membership.set);
	return acceptor_open(&v->acceptor, &v->netcat.app.loop,
	    &v->membership.set);
}

static void
datagrams_init(struct listen_server *v)
{
	v->peers = (struct udp_peers){
		.lock = !v->settings->keep, .ready = peers_may_read,
		.admits = peers_admit,
		.on_batch = on_batch, .on_peer = on_peer,
		.on_evict = on_evict, .on_cut = on_cut,
		.on_exhausted = on_receive_exhausted, .user = v,
		.limit = v->settings->max_conns ?
		    (unsigned)v->settings->max_conns : PEERS_MAX,
	};
}

static void
streams_init(struct listen_server *v)
{
	v->acceptor = (struct acceptor){
		.limit = (unsigned)v->settings->max_conns,
		.on_accept = on_accept, .on_exhausted = on_exhausted,
		.on_full = on_full, .user = v,
		.congestion = &v->netcat.congestion,
		.sockopts = &v->settings->sockopts,
	};
	v->setup.on_ready = on_ready;
	v->setup.on_refused = on_refused;
	accept_setup_init(&v->setup, &v->netcat.app.loop);
}

static void
on_change(struct membership *m)
{
	listen_refresh(container_of(m, struct listen_server, membership));
}

static void
on_away(struct stop *s)
{
	struct listen_server *v = container_of(s, struct listen_server, stop);

	if (s->leave.ends)
		return;
	if (v->closing && !v->acceptor.open)
		loop_stop(&v->netcat.app.loop);
	v->netcat.session.state = STATE_AWAY;
	if (v->netcat.interactive)
		session_refresh(&v->netcat.session);
}

static struct listen_server *
listen_of_leave(struct leave *l)
{
	return container_of(l, struct listen_server, stop.leave);
}

static void
listen_serve_datagrams(struct leave *l)
{
	udp_peers_drain(&listen_of_leave(l)->peers);
}

/* The sessions send through the same sockets, so they close first. */
static void
listen_close_datagrams(struct leave *l)
{
	struct listen_server *v = listen_of_leave(l);

	relay_close_all(&v->netcat.relay, l->ends ? REASON_CUT :
	    REASON_LOCAL);
	udp_peers_close(&v->peers);
}

static void
stop_init(struct listen_server *v)
{
	static const struct leave_datagrams datagrams = {
		.serve = listen_serve_datagrams,
		.close = listen_close_datagrams,
	};

	v->stop = (struct stop){
		.app = &v->netcat.app,
		.name = v->membership.name,
		.on_left = on_away,
		.leave = {
			.acceptor = &v->acceptor,
			.datagrams = v->settings->udp ? &datagrams : NULL,
			.registry = v->membership.registry,
			.slot = v->membership.slot,
			.set = &v->listening,
			.served = v->settings->udp ? &v->peers.taken :
			    &listen_counters(v)->accepted,
		},
	};
}

void
listen_end(struct listen_server *v)
{
	const struct settings *s = v->settings;

	loop_timer_cancel(&v->netcat.app.loop, &v->accept_timeout);
	stop_request(&v->stop, s->udp || s->reuseport || s->inherits ||
	    s->program || v->stop.patient);
	v->netcat.session.state = STATE_LEFT;
}

static void
on_replaced(struct membership *m, const char *why)
{
	struct listen_server *v = container_of(m, struct listen_server,
	    membership);

	/* a second listen_end() would end the sessions at once */
	if (v->stop.leave.ends)
		return;
	v->stop.why = why;
	listen_end(v);
	v->stop.why = NULL;
}

static void
on_end_signal(struct netcat *n)
{
	listen_end(container_of(n, struct listen_server, netcat));
}

/* Without a prompt. On ^Z the other members learn that this one is stopped. */
static void
on_signal(struct app *a, const struct signalfd_siginfo *info)
{
	struct netcat *n = container_of(a, struct netcat, app);
	struct listen_server *v = listen_of_netcat(n);

	if (info->ssi_signo == SIGTSTP) {
		listen_stopped(n, true);
		raise(SIGSTOP);
		listen_stopped(n, false);
	} else if (info->ssi_signo == SIGCHLD) {
		program_reap(&v->program);
	} else {
		a->ended_by = (int)info->ssi_signo;
		listen_end(v);
	}
}

void
listen_init(struct listen_server *v, struct settings *s)
{
	*v = (struct listen_server){
		.netcat = { .on_last = on_last, .on_closed = on_closed,
		    .on_drained = on_drained, .on_opened = on_opened,
		    .on_stop = listen_stopped },
		.settings = s,
		.accept_timeout.on_timer = on_accept_timeout,
	};
}

int
listen_watch(struct listen_server *v)
{
	struct app *a = &v->netcat.app;

	v->listening = v->membership.set;
	stop_init(v);
	v->membership.on_change = on_change;
	a->on_signal = on_signal;
	if (!v->settings->reuseport)
		return 0;
	if (app_catch(a, SIGTSTP) < 0)
		return -1;
	return membership_watch(&v->membership, a, &v->listening);
}

/* A service manager has accepted the only client. */
static void
listen_connection(struct listen_server *v)
{
	v->closing = true;
	v->acceptor.open++;
	on_accept(&v->acceptor, v->activation.connected);
}

/* Programs need the list of our children in /proc, and the prompt may /join. */
static int
listen_confine(struct listen_server *v)
{
	const struct settings *s = v->settings;
	unsigned keeps = 0;

	manager_find(&v->netcat.app.manager);
	if (!s->udp && !s->local)
		relay_prepare(&v->netcat.relay);
	if (s->program)
		keeps |= KEEPS_CHILDREN | KEEPS_FILES | KEEPS_OTHERS;
	if (v->netcat.interactive)
		keeps |= KEEPS_PROMPT | KEEPS_OTHERS | KEEPS_NAMES;
	return server_confine(&v->netcat.app, &v->membership, keeps);
}

int
listen_serve(struct listen_server *v)
{
	struct app *a = &v->netcat.app;

	membership_settle(&v->membership, &v->membership.set);
	membership_emit_start(&v->membership, a, 1,
	    membership_count(&v->membership, 1));
	emit_key(a, &v->tls);
	v->netcat.on_signal = on_end_signal;
	if (v->settings->udp)
		datagrams_init(v);
	else
		streams_init(v);
	if (listen_open(v) < 0)
		return -1;
	/* before this there are no sockets to leave in order */
	v->membership.on_replaced = on_replaced;
	membership_replace(&v->membership, a);
	if (v->activation.connected >= 0)
		listen_connection(v);
	if (listen_confine(v) < 0)
		return -1;
	app_ready(a, &v->membership.set);
	listen_wait(v);
	return loop_run(&a->loop);
}
