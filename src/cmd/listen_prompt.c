/*
 * The prompt of rpnc listen: its commands act on the server. listen_server.c
 * has the states that /pause, /resume, /leave, /join, /drain and /quit move.
 */
#include "cmd/listen_prompt.h"

#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "base/num.h"

enum { REFRESH_US = 1000 * 1000 };

/* Other members' connections change our share without a notification. */
static void
on_refresh(struct timer *timer)
{
	struct listen_server *v = container_of(timer, struct listen_server,
	    refresh);

	listen_refresh(v);
	loop_timer_set(&v->netcat.app.loop, timer, loop_now() + REFRESH_US);
}

static void
set_state(struct listen_server *v, enum slot_state state)
{
	v->netcat.session.state = state;
	listen_show_state(v, state);
}

static void
on_pause(struct session *s)
{
	struct listen_server *v = s->user;

	if (v->settings->udp)
		udp_peers_pause(&v->peers);
	else
		acceptor_pause(&v->acceptor);
	set_state(v, STATE_PAUSED);
}

static void
on_resume(struct session *s)
{
	struct listen_server *v = s->user;

	if (v->settings->udp)
		udp_peers_resume(&v->peers);
	else
		acceptor_resume(&v->acceptor);
	set_state(v, STATE_RUNNING);
}

static int
on_steer(struct session *s, const char *text)
{
	struct listen_server *v = s->user;

	if (!v->settings->reuseport)
		return fail_as(STATUS_USAGE, "without -r there is no group "
		    "to steer");
	return membership_steer(&v->membership, text);
}

static int
on_leave(struct session *s)
{
	struct listen_server *v = s->user;

	if (v->stop.leave.active)
		return fail_as(STATUS_USAGE, "leaving already");
	loop_timer_cancel(&v->netcat.app.loop, &v->accept_timeout);
	stop_begin(&v->stop);
	return 0;
}

/* Leaves the group, and ends when the last session closes. */
static void
on_drain(struct session *s)
{
	struct listen_server *v = s->user;

	if (v->stop.leave.ends)
		return;
	v->stop.patient = true;
	listen_end(v);
}

static int
on_join(struct session *s)
{
	struct listen_server *v = s->user;

	acceptor_resume(&v->acceptor);	/* /leave may have followed /pause */
	if (membership_join(&v->membership) < 0 || listen_open(v) < 0)
		return -1;
	v->listening = v->membership.set;
	if (!v->netcat.relay.count)
		listen_wait(v);
	set_state(v, STATE_RUNNING);
	membership_settle(&v->membership, &v->listening);
	membership_emit_start(&v->membership, &v->netcat.app, 1,
	    membership_count(&v->membership, 1));
	return 0;
}

static void
on_listen_quit(struct session *s)
{
	listen_end(s->user);
}

static const struct scoreboard *
on_group(struct session *s)
{
	struct listen_server *v = s->user;

	return membership_observe(&v->membership) < 0
	    ? NULL
	    : &v->membership.stats.scoreboard;
}

static void
on_resize(struct netcat *n)
{
	struct listen_server *v = container_of(n, struct listen_server, netcat);

	header_resize(&v->header.screen.top);
}

static void
on_clear(struct prompt *p)
{
	struct listen_server *v = container_of(p, struct session, prompt)->user;

	header_resume(&v->header.screen.top);
}

static void
on_page(struct prompt *p, int direction)
{
	struct listen_server *v = container_of(p, struct session, prompt)->user;

	live_screen_page(&v->header.screen, direction);
}

static struct prompt *
prompt_below(struct header *h)
{
	return &container_of(h, struct listen_server,
	    header.screen.top)->netcat.session.prompt;
}

static void
on_hide(struct header *h)
{
	prompt_hide(prompt_below(h));
}

static void
on_show(struct header *h)
{
	prompt_show(prompt_below(h));
}

/* --live: the table of members above the prompt. */
static int
show_live(struct listen_server *v)
{
	struct header *h = &v->header.screen.top;

	v->netcat.on_resize = on_resize;
	v->netcat.session.prompt.on_clear = on_clear;
	v->header.screen.view.hint = "PgUp, PgDn";
	h->hide = on_hide;
	h->show = on_show;
	return members_header_open(&v->header, &v->netcat.app, &v->membership,
	    &v->netcat.app.out, STDOUT_FILENO, false);
}

int
listen_prompt_check(const struct settings *s)
{
	if (s->live && !netcat_wants_prompt(s))
		return fail_as(STATUS_USAGE, "--live is shown above a "
		    "prompt, which needs a terminal");
	return members_header_check(s, STDOUT_FILENO);
}

int
listen_prompt(struct listen_server *v)
{
	static const struct session_ops ops = {
		.pause = on_pause, .resume = on_resume, .leave = on_leave,
		.join = on_join, .drain = on_drain, .quit = on_listen_quit,
		.group = on_group, .steer = on_steer,
	};
	struct session *s = &v->netcat.session;

	s->ops = &ops;
	s->commands = session_commands;
	s->user = v;
	s->server = true;
	s->state = STATE_RUNNING;
	s->name = v->membership.named ? v->membership.name : "";
	v->refresh.on_timer = on_refresh;
	if (v->settings->live)
		s->prompt.on_page = on_page;
	if (v->settings->reuseport)
		on_refresh(&v->refresh);
	if (netcat_prompt(&v->netcat) < 0)
		return -1;
	return v->settings->live ? show_live(v) : 0;
}

void
listen_prompt_end(struct listen_server *v)
{
	const struct counters *n = &membership_slot(&v->membership)->counters;
	char in[NUM_TEXT], out[NUM_TEXT];

	if (!v->netcat.interactive)
		return;
	session_close(&v->netcat.session);
	if (v->settings->reuseport)
		session_print(&v->netcat.session,
		    "%s had %llu connection%s: %s in, %s out; %lld lost\n",
		    v->membership.name, (unsigned long long)n->accepted,
		    n->accepted == 1 ? "" : "s", bytes_text(n->in, in),
		    bytes_text(n->out, out), (long long)v->stop.lost);
}
