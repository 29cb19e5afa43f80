/* rpnc listen: wait for clients and talk to them. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/num.h"
#include "cmd/command.h"
#include "cmd/farewell.h"
#include "cmd/place.h"
#include "cmd/talk.h"
#include "net/peers.h"
#include "serve/accept.h"

enum {
	PEERS_MAX = 1024,
	CLOCK_US = 1000 * 1000,
};

struct server {
	struct talk talk;	/* first */
	struct settings *settings;
	struct place place;
	struct acceptor acceptor;
	struct peers peers;
	struct farewell farewell;
	struct sock_set live;	/* the place's, while it listens */
	struct timer waiting;	/* --accept-timeout */
	struct timer clock;	/* the shares in the prompt */
	bool closing;		/* the last clients are being accepted */
};

static struct server *
server_of(struct talk *t)
{
	return (struct server *)t;
}

static void
wait_for_client(struct server *v)
{
	if (v->settings->accept_timeout &&
	    (v->live.count || v->settings->udp))
		loop_timer_set(&v->talk.desk.loop, &v->waiting, loop_now() +
		    v->settings->accept_timeout);
}

static void
on_waited(struct timer *timer)
{
	struct server *v = (struct server *)((char *)timer -
	    offsetof(struct server, waiting));
	char time[NUM_TEXT];

	fail_as(STATUS_TIMEOUT, "no client came in %s",
	    duration_text(v->settings->accept_timeout, time));
	desk_fatal(&v->talk.desk);
}

/* The shares that the prompt and the news show. */
static void
refresh(struct server *v)
{
	struct session *s = &v->talk.session;

	if (!v->talk.interactive)
		return;
	s->accepted = place_slot(&v->place)->counters.accepted;
	s->total = v->settings->reuseport ? place_total(&v->place) : 0;
	session_refresh(s);
}

/* What others accept moves our share, and rings no bell. */
static void
on_clock(struct timer *timer)
{
	struct server *v = (struct server *)((char *)timer -
	    offsetof(struct server, clock));

	refresh(v);
	loop_timer_set(&v->talk.desk.loop, timer, loop_now() + CLOCK_US);
}

static void
on_opened(struct talk *t, struct conn *c)
{
	struct server *v = server_of(t);
	struct counters *n = &place_slot(&v->place)->counters;

	n->accepted++;
	refresh(v);
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
	refresh(v);
	if (!v->settings->udp)
		acceptor_freed(&v->acceptor);
	farewell_closed(&v->farewell);
}

static void
on_last(struct talk *t)
{
	struct server *v = server_of(t);

	if (v->settings->keep && !v->farewell.ending)
		wait_for_client(v);
	else if (!v->farewell.leave.active)
		loop_stop(&t->desk.loop);
}

static void
on_drained(struct talk *t)
{
	struct server *v = server_of(t);

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
	else
		acceptor_close(&v->acceptor);
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
	else if (sink_full(&v->talk.desk.out))
		acceptor_pause(a);
}

static void
on_exhausted(struct acceptor *a)
{
	struct server *v = a->user;

	desk_error(&v->talk.desk);
}

static bool
ready(struct peers *p)
{
	struct server *v = p->user;

	return !sink_full(&v->talk.desk.out);
}

static int
on_peer(struct peers *p, struct conn *c)
{
	struct server *v = p->user;

	loop_timer_cancel(&v->talk.desk.loop, &v->waiting);
	return talk_add_conn(&v->talk, c);
}

static void
on_evict(struct peers *p, struct conn *c)
{
	struct server *v = p->user;

	relay_close(&v->talk.relay, c, REASON_LOCAL, 0);
}

static int
serve_datagrams(struct server *v)
{
	v->peers = (struct peers){
		.lock = !v->settings->keep, .ready = ready,
		.on_peer = on_peer, .on_evict = on_evict, .user = v,
		.limit = v->settings->max_conns ?
		    (unsigned)v->settings->max_conns : PEERS_MAX,
	};
	return peers_open(&v->peers, &v->talk.desk.loop, &v->place.set);
}

static int
serve_streams(struct server *v)
{
	v->acceptor = (struct acceptor){
		.limit = (unsigned)v->settings->max_conns,
		.on_accept = on_accept, .on_exhausted = on_exhausted,
		.user = v,
	};
	return acceptor_open(&v->acceptor, &v->talk.desk.loop, &v->place.set);
}

/* Members came or went: what was accepted so far is judged no more. */
static void
on_change(struct place *p)
{
	struct server *v = p->user;

	session_rebase(&v->talk.session, p->board);
	refresh(v);
}

static void
set_state(struct server *v, enum slot_state state)
{
	v->talk.session.state = state;
	board_set_state(v->place.board, v->place.slot, state);
}

/* What it was before holds again afterwards. */
static void
on_stop(struct talk *t, bool stopping)
{
	struct server *v = server_of(t);

	if (t->session.state != STATE_AWAY)
		board_set_state(v->place.board, v->place.slot,
		    stopping ? STATE_STOPPED : t->session.state);
}

static void
on_pause(struct session *s)
{
	struct server *v = s->user;

	if (v->settings->udp)
		peers_pause(&v->peers);
	else
		acceptor_pause(&v->acceptor);
	set_state(v, STATE_PAUSED);
}

static void
on_resume(struct session *s)
{
	struct server *v = s->user;

	if (v->settings->udp)
		peers_resume(&v->peers);
	else
		acceptor_resume(&v->acceptor);
	set_state(v, STATE_RUNNING);
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
farewell_init(struct server *v)
{
	struct farewell *f = &v->farewell;

	f->desk = &v->talk.desk;
	f->acceptor = &v->acceptor;
	f->board = v->place.board;
	f->set = &v->live;
	f->counters = &place_slot(&v->place)->counters;
	f->name = v->place.name;
	f->slot = v->place.slot;
	f->on_left = on_away;
	f->user = v;
}

/* Leaves the group, if we are in one, and ends when the sessions have. */
static void
end(struct server *v)
{
	struct farewell *f = &v->farewell;
	bool again = f->ending;

	f->ending = true;
	loop_timer_cancel(&v->talk.desk.loop, &v->waiting);
	if (again && f->patient)
		farewell_hurry(f);
	else if (again)
		farewell_now(f);
	else if (v->settings->udp || (!v->settings->reuseport && !f->patient))
		loop_stop(&v->talk.desk.loop);
	else
		farewell_begin(f);
}

static int
on_leave(struct session *s)
{
	struct server *v = s->user;

	if (v->settings->udp)
		return fail_as(STATUS_USAGE, "with -u only /quit leaves: the "
		    "socket is the sessions' too");
	if (v->farewell.leave.active)
		return fail_as(STATUS_USAGE, "leaving already");
	loop_timer_cancel(&v->talk.desk.loop, &v->waiting);
	farewell_begin(&v->farewell);
	return 0;
}

/* Leave, and end when the last session closes. */
static void
on_drain(struct session *s)
{
	struct server *v = s->user;

	if (v->farewell.ending)
		return;
	v->farewell.patient = true;
	end(v);
}

static int
on_join(struct session *s)
{
	struct server *v = s->user;

	acceptor_resume(&v->acceptor);	/* it may have left while paused */
	if (place_join(&v->place) < 0 || acceptor_open(&v->acceptor,
	    &v->talk.desk.loop, &v->place.set) < 0)
		return -1;
	v->live = v->place.set;
	if (!v->talk.relay.count)
		wait_for_client(v);
	set_state(v, STATE_RUNNING);
	session_rebase(s, v->place.board);
	place_tell(&v->place, &v->talk.desk, 1);
	return 0;
}

static void
on_quit(struct session *s)
{
	end(s->user);
}

static int
on_members(struct session *s, struct members *out)
{
	struct server *v = s->user;

	return place_members(&v->place, out);
}

static int
prompt(struct server *v)
{
	static const struct session_ops ops = {
		.pause = on_pause, .resume = on_resume, .leave = on_leave,
		.join = on_join, .drain = on_drain, .quit = on_quit,
		.members = on_members,
	};
	struct session *s = &v->talk.session;

	s->ops = &ops;
	s->commands = session_commands;
	s->user = v;
	s->server = true;
	s->state = STATE_RUNNING;
	s->name = v->place.named ? v->place.name : "";
	session_rebase(s, v->place.board);
	v->clock.on_timer = on_clock;
	if (v->settings->reuseport)
		on_clock(&v->clock);
	return talk_prompt(&v->talk);
}

static void
on_end_signal(struct talk *t)
{
	end((struct server *)t);
}

/* ^Z without a prompt: the others are to know why nobody accepts here. */
static void
on_signal(struct desk *d, const struct signalfd_siginfo *info)
{
	struct talk *t = (struct talk *)d;

	if (info->ssi_signo == SIGTSTP) {
		on_stop(t, true);
		raise(SIGSTOP);
		on_stop(t, false);
	} else if (info->ssi_signo != SIGCHLD) {
		d->ended_by = (int)info->ssi_signo;
		end((struct server *)t);
	}
}

static int
serve(struct server *v)
{
	struct desk *d = &v->talk.desk;

	v->waiting.on_timer = on_waited;
	v->place.user = v;
	v->live = v->place.set;
	farewell_init(v);
	v->place.on_change = on_change;
	d->on_signal = on_signal;
	if (v->settings->reuseport && (desk_catch(d, SIGTSTP) < 0 ||
	    place_watch(&v->place, d, &v->live) < 0))
		return -1;
	refresh(v);
	if (talk_wants_prompt(v->settings) && prompt(v) < 0)
		return -1;
	place_tell(&v->place, d, 1);
	v->talk.on_signal = on_end_signal;
	if ((v->settings->udp ? serve_datagrams(v) : serve_streams(v)) < 0)
		return -1;
	desk_ready(d, &v->place.set);
	wait_for_client(v);
	return loop_run(&d->loop);
}

static int
run(struct settings *s, int words_count, char *const *words, int *ended_by)
{
	struct server v = {
		.talk = { .on_last = on_last, .on_closed = on_closed,
		    .on_drained = on_drained, .on_opened = on_opened,
		    .on_stop = on_stop },
		.settings = s,
	};
	struct endpoint e;
	int status;

	if (settings_endpoint(s, words_count, words, &e) < 0 ||
	    place_check(s, &e) < 0)
		return -1;
	s->keep = s->keep || (s->reuseport && !s->once);
	s->linger = -1;
	if (place_open(&v.place, s, &e, SLOT_MEMBER) < 0 ||
	    talk_open(&v.talk, s) < 0)
		return -1;
	raise_descriptor_limit();
	if (serve(&v) < 0)
		desk_fault(&v.talk.desk);
	relay_close_all(&v.talk.relay, REASON_CUT);
	if (s->udp)
		peers_close(&v.peers);
	else
		acceptor_close(&v.acceptor);
	place_close(&v.place);
	status = talk_close(&v.talk);
	*ended_by = v.talk.desk.ended_by;
	return status;
}

const struct command listen_command = {
	.name = "listen",
	.synopsis = "listen [-r] [options] [host] port",
	.summary = "wait for clients and talk to them",
	.tables = { listen_options, talk_once_options, talk_options,
	    address_options, stream_options, NULL },
	.run = run,
};
