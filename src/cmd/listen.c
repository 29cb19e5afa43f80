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
server_of(struct talk *t)
{
	return (struct server *)t;
}

void
listen_wait(struct server *v)
{
	if (v->settings->accept_timeout && v->live.count)
		loop_timer_set(&v->talk.desk.loop, &v->waiting, loop_now() +
		    v->settings->accept_timeout);
}

static void
on_waited(struct timer *timer)
{
	struct server *v = container_of(timer, struct server, waiting);
	char time[NUM_TEXT];

	fail_as(STATUS_TIMEOUT, "no client came in %s",
	    duration_text(v->settings->accept_timeout, time));
	desk_fatal(&v->talk.desk);
}

static void
on_opened(struct talk *t, struct conn *c)
{
	struct server *v = server_of(t);
	struct counters *n = &place_slot(&v->place)->counters;

	n->accepted++;
	listen_refresh(v);
	desk_accepted(&t->desk, c, t->interactive ? v->place.name : NULL,
	    n->accepted, v->talk.session.total);
}

static void
on_closed(struct talk *t, struct conn *c)
{
	struct server *v = server_of(t);
	struct counters *n = &place_slot(&v->place)->counters;

	n->closed++;
	n->in += c->in;
	n->out += c->out;
	listen_refresh(v);
	if (!v->settings->udp)
		acceptor_freed(&v->acceptor);
	farewell_closed(&v->farewell);
}

static void
on_last(struct talk *t)
{
	struct server *v = server_of(t);

	bool done = v->settings->until == UNTIL_INPUT &&
	    t->relay.shared.in.ended;

	if (done && v->settings->reuseport && !v->farewell.ending)
		listen_end(v);
	else if (v->settings->keep && !v->farewell.ending && !done)
		listen_wait(v);
	else if (!v->farewell.leave.active)
		loop_stop(&t->desk.loop);
}

static void
on_drained(struct talk *t)
{
	struct server *v = server_of(t);

	if (t->interactive && t->session.state == STATE_PAUSED)
		return;
	if (v->settings->udp)
		peers_resume(&v->peers);
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
		farewell_begin(&v->farewell);
	else {
		place_tell_holder(&v->talk.desk, &v->live);
		v->live.count = 0;
		acceptor_close(&v->acceptor);
	}
}

static void
on_accept(struct acceptor *a, int fd)
{
	struct server *v = a->user;

	loop_timer_cancel(&v->talk.desk.loop, &v->waiting);
	if (talk_add(&v->talk, fd, &conn_stream) < 0) {
		desk_error(&v->talk.desk);
		close(fd);
		acceptor_freed(a);
		return;
	}
	if (!v->settings->keep && !v->closing)
		close_door(v);
	else if (!v->talk.interactive && sink_full(&v->talk.desk.out))
		acceptor_pause(a);
}

static void
on_exhausted(struct acceptor *a)
{
	struct server *v = a->user;

	desk_error(&v->talk.desk);
}

static void
on_full(struct acceptor *a, bool full)
{
	struct server *v = a->user;

	if (v->settings->reuseport)
		place_full(v->place.registry, v->place.slot, full);
}

static bool
ready(struct peers *p)
{
	struct server *v = p->user;

	return !sink_full(&v->talk.desk.out);
}

static void
on_batch(struct peers *p, bool begins)
{
	struct server *v = p->user;

	if (begins)
		sink_cork(&v->talk.desk.out);
	else
		sink_uncork(&v->talk.desk.out);
}

static int
on_peer(struct peers *p, struct conn *c)
{
	struct server *v = p->user;

	loop_timer_cancel(&v->talk.desk.loop, &v->waiting);
	return talk_add_conn(&v->talk, c);
}

static void
on_cut(struct peers *p)
{
	talk_lost(&((struct server *)p->user)->talk);
}

static void
on_receive_exhausted(struct peers *p)
{
	struct server *v = p->user;

	desk_error(&v->talk.desk);
}

static void
on_evict(struct peers *p, struct conn *c)
{
	struct server *v = p->user;

	relay_close(&v->talk.relay, c, REASON_LOCAL, 0);
}

int
listen_open(struct server *v)
{
	if (v->settings->udp)
		return peers_open(&v->peers, &v->talk.desk.loop,
		    &v->place.set);
	return acceptor_open(&v->acceptor, &v->talk.desk.loop, &v->place.set);
}

static void
datagrams_init(struct server *v)
{
	v->peers = (struct peers){
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
		.congestion = &v->talk.congestion,
	};
}

static void
on_change(struct place *p)
{
	listen_refresh(container_of(p, struct server, place));
}

static void
on_away(struct farewell *f)
{
	struct server *v = f->user;

	if (f->ending)
		return;
	if (v->closing && !v->acceptor.open)
		loop_stop(&v->talk.desk.loop);
	v->talk.session.state = STATE_AWAY;
	if (v->talk.interactive)
		session_refresh(&v->talk.session);
}

static void
drain_datagrams(struct farewell *f)
{
	peers_drain(&((struct server *)f->user)->peers);
}

/* The sockets are the sessions' too. */
static void
close_datagrams(struct farewell *f)
{
	struct server *v = f->user;

	relay_close_all(&v->talk.relay, f->ending ? REASON_CUT :
	    REASON_LOCAL);
	peers_close(&v->peers);
}

static void
farewell_init(struct server *v)
{
	static const struct farewell_datagrams datagrams = {
		.serve = drain_datagrams, .close = close_datagrams,
	};
	struct farewell *f = &v->farewell;

	f->desk = &v->talk.desk;
	f->acceptor = &v->acceptor;
	f->datagrams = v->settings->udp ? &datagrams : NULL;
	f->registry = v->place.registry;
	f->set = &v->live;
	f->served = v->settings->udp ? &v->peers.taken :
	    &place_slot(&v->place)->counters.accepted;
	f->name = v->place.name;
	f->slot = v->place.slot;
	f->on_left = on_away;
	f->user = v;
}

/* Leaves the group, if we are in one, and ends when the sessions have. */
void
listen_end(struct server *v)
{
	struct farewell *f = &v->farewell;
	bool again = f->ending;

	f->ending = true;
	loop_timer_cancel(&v->talk.desk.loop, &v->waiting);
	if (again && f->patient)
		farewell_hurry(f);
	else if (again)
		farewell_now(f);
	else if (!v->settings->udp && !v->settings->reuseport && !f->patient)
		loop_stop(&v->talk.desk.loop);
	else
		farewell_begin(f);
}

static void
on_replaced(struct place *p, const char *why)
{
	struct server *v = container_of(p, struct server, place);

	/* not the second wish to end, which would cut it short */
	if (v->farewell.ending)
		return;
	v->farewell.why = why;
	listen_end(v);
	v->farewell.why = NULL;
}

static void
on_end_signal(struct talk *t)
{
	listen_end((struct server *)t);
}

/* ^Z without a prompt: the others are to know why nobody accepts here. */
static void
on_signal(struct desk *d, const struct signalfd_siginfo *info)
{
	struct talk *t = (struct talk *)d;

	if (info->ssi_signo == SIGTSTP) {
		listen_stopped(t, true);
		raise(SIGSTOP);
		listen_stopped(t, false);
	} else if (info->ssi_signo != SIGCHLD) {
		d->ended_by = (int)info->ssi_signo;
		listen_end((struct server *)t);
	}
}

static int
serve(struct server *v)
{
	struct desk *d = &v->talk.desk;

	v->waiting.on_timer = on_waited;
	v->live = v->place.set;
	farewell_init(v);
	v->place.on_change = on_change;
	d->on_signal = on_signal;
	if (v->settings->reuseport && (desk_catch(d, SIGTSTP) < 0 ||
	    place_watch(&v->place, d, &v->live) < 0))
		return -1;
	listen_refresh(v);
	if (talk_wants_prompt(v->settings) && listen_prompt(v) < 0)
		return -1;
	place_tell(&v->place, d, 1, place_count(&v->place, 1));
	v->talk.on_signal = on_end_signal;
	if (v->settings->udp)
		datagrams_init(v);
	else
		streams_init(v);
	if (listen_open(v) < 0)
		return -1;
	/* only now is there what can be left in order */
	v->place.on_replaced = on_replaced;
	place_replace(&v->place, d);
	desk_ready(d, &v->place.set);
	listen_wait(v);
	return loop_run(&d->loop);
}

static int
run(struct settings *s, int words_count, char *const *words, int *ended_by)
{
	struct server v = {
		.talk = { .on_last = on_last, .on_closed = on_closed,
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
	    place_check(s, &e) < 0 || place_check_member(s, &e) < 0 ||
	    talk_check(&v.talk, s, &e) < 0 || listen_prompt_check(s) < 0)
		return -1;
	if (s->check)
		return check_place(s, &e);
	s->keep = s->keep || (!s->once && (s->reuseport || s->adopt ||
	    (s->udp && talk_wants_prompt(s))));
	s->linger = -1;
	if (place_open(&v.place, s, &e, SLOT_MEMBER) < 0)
		return -1;
	if (talk_open(&v.talk, s) < 0) {
		place_close(&v.place);
		return -1;
	}
	raise_descriptor_limit();
	if (serve(&v) < 0)
		desk_fault(&v.talk.desk);
	live_close(&v.display.live);
	relay_close_all(&v.talk.relay, REASON_CUT);
	place_tell_holder(&v.talk.desk, &v.live);
	listen_prompt_end(&v);
	if (s->udp)
		peers_close(&v.peers);
	else
		acceptor_close(&v.acceptor);
	desk_lost(&v.talk.desk, v.peers.lost);
	place_close(&v.place);
	status = talk_close(&v.talk);
	*ended_by = v.talk.desk.ended_by;
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
