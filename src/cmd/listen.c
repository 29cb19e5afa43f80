/* rpnc listen: wait for clients and talk to them. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "base/num.h"
#include "base/standard.h"
#include "cmd/check.h"
#include "cmd/command.h"
#include "cmd/listen.h"

enum { PEERS_MAX = 1024 };

static struct server *
server_of(struct netcat *t)
{
	return container_of(t, struct server, netcat);
}

void
listen_wait(struct server *v)
{
	if (v->settings->accept_timeout && v->live.count)
		loop_timer_set(&v->netcat.app.loop, &v->waiting, loop_now() +
		    v->settings->accept_timeout);
}

static void
on_waited(struct timer *timer)
{
	struct server *v = container_of(timer, struct server, waiting);
	char time[NUM_TEXT];

	fail_as(STATUS_TIMEOUT, "no client came in %s",
	    duration_text(v->settings->accept_timeout, time));
	app_fatal(&v->netcat.app);
}

static void
on_opened(struct netcat *t, struct conn *c)
{
	struct server *v = server_of(t);
	struct counters *n = &membership_slot(&v->membership)->counters;

	n->accepted++;
	listen_refresh(v);
	emit_accepted(&t->app, c, t->interactive ? v->membership.name : NULL,
	    n->accepted, v->netcat.session.total);
}

static void
on_closed(struct netcat *t, struct conn *c)
{
	struct server *v = server_of(t);
	struct counters *n = &membership_slot(&v->membership)->counters;

	n->closed++;
	n->in += c->in;
	n->out += c->out;
	listen_refresh(v);
	if (!v->settings->udp)
		acceptor_freed(&v->acceptor);
	stop_closed(&v->stop);
}

static void
on_last(struct netcat *t)
{
	struct server *v = server_of(t);

	bool done = v->settings->until == UNTIL_INPUT &&
	    t->relay.shared.in.ended;

	if (done && v->settings->reuseport && !v->stop.ending)
		listen_end(v);
	else if (v->settings->keep && !v->stop.ending && !done)
		listen_wait(v);
	else if (!v->stop.leave.active)
		loop_stop(&t->app.loop);
}

static void
on_drained(struct netcat *t)
{
	struct server *v = server_of(t);

	if (t->interactive && t->session.state == STATE_PAUSED)
		return;
	if (v->settings->udp)
		udp_peers_resume(&v->peers);
	else
		acceptor_resume(&v->acceptor);
}

/*
 * One client is enough: later ones are refused. In a group that would reset
 * some, so it is left in order, and who comes meanwhile is served too.
 */
static void
close_door(struct server *v)
{
	v->closing = true;
	if (v->settings->reuseport)
		stop_begin(&v->stop);
	else {
		membership_tell_holder(&v->netcat.app, &v->live);
		v->live.count = 0;
		acceptor_close(&v->acceptor);
	}
}

static void
on_accept(struct acceptor *a, int fd)
{
	struct server *v = a->user;

	loop_timer_cancel(&v->netcat.app.loop, &v->waiting);
	if (netcat_add(&v->netcat, fd, &conn_stream) < 0) {
		emit_error(&v->netcat.app);
		close(fd);
		acceptor_freed(a);
		return;
	}
	if (!v->settings->keep && !v->closing)
		close_door(v);
	else if (!v->netcat.interactive && sink_full(&v->netcat.app.out))
		acceptor_pause(a);
}

static void
on_exhausted(struct acceptor *a)
{
	struct server *v = a->user;

	emit_error(&v->netcat.app);
}

static void
on_full(struct acceptor *a, bool full)
{
	struct server *v = a->user;

	if (v->settings->reuseport)
		membership_full(v->membership.registry, v->membership.slot,
		    full);
}

static bool
ready(struct udp_peers *p)
{
	struct server *v = p->user;

	return !sink_full(&v->netcat.app.out);
}

static void
on_batch(struct udp_peers *p, bool begins)
{
	struct server *v = p->user;

	if (begins)
		sink_cork(&v->netcat.app.out);
	else
		sink_uncork(&v->netcat.app.out);
}

static int
on_peer(struct udp_peers *p, struct conn *c)
{
	struct server *v = p->user;

	loop_timer_cancel(&v->netcat.app.loop, &v->waiting);
	return netcat_add_conn(&v->netcat, c);
}

static void
on_cut(struct udp_peers *p)
{
	netcat_lost(&((struct server *)p->user)->netcat);
}

static void
on_receive_exhausted(struct udp_peers *p)
{
	struct server *v = p->user;

	emit_error(&v->netcat.app);
}

static void
on_evict(struct udp_peers *p, struct conn *c)
{
	struct server *v = p->user;

	relay_close(&v->netcat.relay, c, REASON_LOCAL, 0);
}

int
listen_open(struct server *v)
{
	if (v->settings->udp)
		return udp_peers_open(&v->peers, &v->netcat.app.loop,
		    &v->membership.set);
	return acceptor_open(&v->acceptor, &v->netcat.app.loop,
	    &v->membership.set);
}

static void
datagrams_init(struct server *v)
{
	v->peers = (struct udp_peers){
		.lock = !v->settings->keep, .ready = ready, .on_batch = on_batch,
		.on_peer = on_peer, .on_evict = on_evict, .on_cut = on_cut,
		.on_exhausted = on_receive_exhausted, .user = v,
		.limit = v->settings->max_conns ?
		    (unsigned)v->settings->max_conns : PEERS_MAX,
	};
}

static void
streams_init(struct server *v)
{
	v->acceptor = (struct acceptor){
		.limit = (unsigned)v->settings->max_conns,
		.on_accept = on_accept, .on_exhausted = on_exhausted,
		.on_full = on_full, .user = v,
		.congestion = &v->netcat.congestion,
	};
}

static void
on_change(struct membership *p)
{
	listen_refresh(container_of(p, struct server, membership));
}

static void
on_away(struct stop *f)
{
	struct server *v = f->user;

	if (f->ending)
		return;
	if (v->closing && !v->acceptor.open)
		loop_stop(&v->netcat.app.loop);
	v->netcat.session.state = STATE_AWAY;
	if (v->netcat.interactive)
		session_refresh(&v->netcat.session);
}

static void
drain_datagrams(struct stop *f)
{
	udp_peers_drain(&((struct server *)f->user)->peers);
}

/* The sockets are the sessions' too. */
static void
close_datagrams(struct stop *f)
{
	struct server *v = f->user;

	relay_close_all(&v->netcat.relay, f->ending ? REASON_CUT :
	    REASON_LOCAL);
	udp_peers_close(&v->peers);
}

static void
stop_init(struct server *v)
{
	static const struct stop_datagrams datagrams = {
		.serve = drain_datagrams, .close = close_datagrams,
	};
	struct stop *f = &v->stop;

	f->app = &v->netcat.app;
	f->acceptor = &v->acceptor;
	f->datagrams = v->settings->udp ? &datagrams : NULL;
	f->registry = v->membership.registry;
	f->set = &v->live;
	f->served = v->settings->udp ? &v->peers.taken :
	    &membership_slot(&v->membership)->counters.accepted;
	f->name = v->membership.name;
	f->slot = v->membership.slot;
	f->on_left = on_away;
	f->user = v;
}

/* Leaves the group, if we are in one, and ends when the sessions have. */
void
listen_end(struct server *v)
{
	struct stop *f = &v->stop;
	bool again = f->ending;

	f->ending = true;
	loop_timer_cancel(&v->netcat.app.loop, &v->waiting);
	if (again && f->patient)
		stop_hurry(f);
	else if (again)
		stop_now(f);
	else if (!v->settings->udp && !v->settings->reuseport && !f->patient)
		loop_stop(&v->netcat.app.loop);
	else
		stop_begin(f);
}

static void
on_replaced(struct membership *p, const char *why)
{
	struct server *v = container_of(p, struct server, membership);

	/* not the second wish to end, which would cut it short */
	if (v->stop.ending)
		return;
	v->stop.why = why;
	listen_end(v);
	v->stop.why = NULL;
}

static void
on_end_signal(struct netcat *t)
{
	listen_end(container_of(t, struct server, netcat));
}

/* ^Z without a prompt: the others are to know why nobody accepts here. */
static void
on_signal(struct app *d, const struct signalfd_siginfo *info)
{
	struct netcat *t = container_of(d, struct netcat, app);

	if (info->ssi_signo == SIGTSTP) {
		listen_stopped(t, true);
		raise(SIGSTOP);
		listen_stopped(t, false);
	} else if (info->ssi_signo != SIGCHLD) {
		d->ended_by = (int)info->ssi_signo;
		listen_end(container_of(t, struct server, netcat));
	}
}

static int
serve(struct server *v)
{
	struct app *d = &v->netcat.app;

	v->waiting.on_timer = on_waited;
	v->live = v->membership.set;
	stop_init(v);
	v->membership.on_change = on_change;
	d->on_signal = on_signal;
	if (v->settings->reuseport && (app_catch(d, SIGTSTP) < 0 ||
	    membership_watch(&v->membership, d, &v->live) < 0))
		return -1;
	listen_refresh(v);
	if (netcat_wants_prompt(v->settings) && listen_prompt(v) < 0)
		return -1;
	membership_tell(&v->membership, d, 1, membership_count(&v->membership,
	    1));
	v->netcat.on_signal = on_end_signal;
	if (v->settings->udp)
		datagrams_init(v);
	else
		streams_init(v);
	if (listen_open(v) < 0)
		return -1;
	/* only now is there what can be left in order */
	v->membership.on_replaced = on_replaced;
	membership_replace(&v->membership, d);
	app_ready(d, &v->membership.set);
	listen_wait(v);
	return loop_run(&d->loop);
}

static int
run(struct settings *s, int words_count, char *const *words, int *ended_by)
{
	struct server v = {
		.netcat = { .on_last = on_last, .on_closed = on_closed,
		    .on_drained = on_drained, .on_opened = on_opened,
		    .on_stop = listen_stopped },
		.settings = s,
	};
	struct endpoint e;
	int status;

	/* a shell gives /dev/null to a background job: not an end of input */
	if (standard_was_closed(STDIN_FILENO) || input_is_null(STDIN_FILENO))
		s->no_stdin = true;
	if (settings_endpoint(s, words_count, words, &e) < 0 ||
	    membership_check(s, &e) < 0 || membership_check_member(s, &e) < 0 ||
	    netcat_check(&v.netcat, s) < 0 || listen_prompt_check(s) < 0)
		return -1;
	if (s->check)
		return check_place(s, &e);
	s->keep = s->keep || (!s->once && (s->reuseport || s->adopt ||
	    (s->udp && netcat_wants_prompt(s))));
	s->linger = -1;
	if (membership_open(&v.membership, s, &e, SLOT_MEMBER) < 0)
		return -1;
	if (netcat_open(&v.netcat, s) < 0) {
		membership_close(&v.membership);
		return -1;
	}
	raise_descriptor_limit();
	if (serve(&v) < 0)
		emit_fault(&v.netcat.app);
	header_close(&v.header.live);
	relay_close_all(&v.netcat.relay, REASON_CUT);
	membership_tell_holder(&v.netcat.app, &v.live);
	listen_prompt_end(&v);
	if (s->udp)
		udp_peers_close(&v.peers);
	else
		acceptor_close(&v.acceptor);
	emit_lost(&v.netcat.app, v.peers.lost);
	membership_close(&v.membership);
	status = netcat_close(&v.netcat);
	*ended_by = v.netcat.app.ended_by;
	return status;
}

const struct command listen_command = {
	.name = "listen",
	.synopsis = "listen [-r] [options] [host] port",
	.summary = "wait for clients and talk to them",
	.tables = { clients_options, data_options, server_options,
	    group_options, address_options, output_options, NULL },
	.run = run,
};
