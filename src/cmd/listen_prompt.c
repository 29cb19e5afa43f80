/* What a person at the prompt of rpnc listen can have it do. */
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "base/num.h"
#include "cmd/listen.h"

enum { CLOCK_US = 1000 * 1000 };

void
listen_refresh(struct server *v)
{
	struct session *s = &v->talk.session;

	if (!v->talk.interactive)
		return;
	s->accepted = place_slot(&v->place)->counters.accepted;
	s->total = v->settings->reuseport ? place_total(&v->place) : 0;
	session_refresh(s);
	live_touch(&v->display.live);
}

/* What others accept moves our share, and rings no bell. */
static void
on_clock(struct timer *timer)
{
	struct server *v = container_of(timer, struct server, clock);

	listen_refresh(v);
	loop_timer_set(&v->talk.desk.loop, timer, loop_now() + CLOCK_US);
}

/* What the others see: that it is full is no affair of its own prompt. */
static void
show_state(struct server *v, enum slot_state state)
{
	if (state == STATE_RUNNING && v->acceptor.full)
		state = STATE_FULL;
	registry_set_state(v->place.registry, v->place.slot, state);
}

static void
set_state(struct server *v, enum slot_state state)
{
	v->talk.session.state = state;
	show_state(v, state);
}

void
listen_stopped(struct talk *t, bool stopping)
{
	struct server *v = (struct server *)t;

	if (t->session.state != STATE_AWAY)
		show_state(v, stopping ? STATE_STOPPED : t->session.state);
	if (stopping)
		live_suspend(&v->display.live);
	else
		live_resume(&v->display.live);
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

static int
on_steer(struct session *s, const char *text)
{
	struct server *v = s->user;

	if (!v->settings->reuseport)
		return fail_as(STATUS_USAGE, "without -r there is no group "
		    "to steer");
	return place_steer(&v->place, text);
}

static int
on_leave(struct session *s)
{
	struct server *v = s->user;

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
	listen_end(v);
}

static int
on_join(struct session *s)
{
	struct server *v = s->user;

	acceptor_resume(&v->acceptor);	/* it may have left while paused */
	if (place_join(&v->place) < 0 || listen_open(v) < 0)
		return -1;
	v->live = v->place.set;
	if (!v->talk.relay.count)
		listen_wait(v);
	set_state(v, STATE_RUNNING);
	place_tell(&v->place, &v->talk.desk, 1, place_count(&v->place, 1));
	return 0;
}

static void
on_quit(struct session *s)
{
	listen_end(s->user);
}

static const struct scoreboard *
on_group(struct session *s)
{
	struct server *v = s->user;

	return place_look(&v->place) < 0 ? NULL : &v->place.score.registry;
}

static void
on_resize(struct talk *t)
{
	live_resize(&((struct server *)t)->display.live);
}

static void
on_clear(struct prompt *p)
{
	struct server *v = ((struct session *)p)->user;

	live_resume(&v->display.live);
}

static struct prompt *
prompt_below(struct live *l)
{
	return &container_of(l, struct server,
	    display.live)->talk.session.prompt;
}

static void
on_hide(struct live *l)
{
	prompt_hide(prompt_below(l));
}

static void
on_show(struct live *l)
{
	prompt_show(prompt_below(l));
}

/* The scoreboard above the prompt. */
static int
show_live(struct server *v)
{
	struct live *l = &v->display.live;

	v->talk.on_resize = on_resize;
	v->talk.session.prompt.on_clear = on_clear;
	l->hide = on_hide;
	l->show = on_show;
	return display_open(&v->display, &v->talk.desk, &v->place,
	    &v->talk.desk.out, STDOUT_FILENO);
}

int
listen_prompt_check(const struct settings *s)
{
	if (s->live && !talk_wants_prompt(s))
		return fail_as(STATUS_USAGE, "--live is shown above a prompt, "
		    "for a person at a terminal");
	return display_check(s, STDOUT_FILENO);
}

int
listen_prompt(struct server *v)
{
	static const struct session_ops ops = {
		.pause = on_pause, .resume = on_resume, .leave = on_leave,
		.join = on_join, .drain = on_drain, .quit = on_quit,
		.group = on_group, .steer = on_steer,
	};
	struct session *s = &v->talk.session;

	s->ops = &ops;
	s->commands = session_commands;
	s->user = v;
	s->server = true;
	s->state = STATE_RUNNING;
	s->name = v->place.named ? v->place.name : "";
	v->clock.on_timer = on_clock;
	if (v->settings->reuseport)
		on_clock(&v->clock);
	if (talk_prompt(&v->talk) < 0)
		return -1;
	return v->settings->live ? show_live(v) : 0;
}

void
listen_prompt_end(struct server *v)
{
	const struct counters *n = &place_slot(&v->place)->counters;
	char in[NUM_TEXT], out[NUM_TEXT];

	if (!v->talk.interactive)
		return;
	session_close(&v->talk.session);
	if (v->settings->reuseport)
		session_say(&v->talk.session, "%s had %llu connection%s: %s "
		    "in, %s out; %lld lost\n", v->place.name,
		    (unsigned long long)n->accepted,
		    n->accepted == 1 ? "" : "s", bytes_text(n->in, in),
		    bytes_text(n->out, out), (long long)v->farewell.lost);
}
