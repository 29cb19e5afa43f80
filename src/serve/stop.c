#include "serve/stop.h"

#include <stdio.h>

#include "app/emit.h"
#include "base/container.h"
#include "base/num.h"

static struct stop *
stop_of(struct leave *l)
{
	return container_of(l, struct stop, leave);
}

static unsigned
sessions(const struct stop *f)
{
	return f->leave.acceptor->open;
}

static void
on_grace(struct timer *t)
{
	struct stop *f = container_of(t, struct stop, grace);

	loop_stop(&f->app->loop);
}

/* Whoever watches is told what is waited for. */
static void
tell_grace(const struct stop *f)
{
	const struct settings *s = f->app->settings;
	char line[128], time[NUM_TEXT];
	unsigned n = sessions(f);
	int length;

	if (s->json || (!f->app->interactive && !s->verbose))
		return;
	length = snprintf(line, sizeof(line), "%u session%s open: up to %s for "
	    "%s to end; Ctrl-C ends now\n", n, n == 1 ? "" : "s",
	    duration_text(s->grace, time), n == 1 ? "it" : "them");
	f->app->print(f->app, line, (size_t)length, false);
}

/* Out of the group: the sessions have until the grace is over. */
static void
wind_up(struct stop *f)
{
	if (!sessions(f))
		loop_stop(&f->app->loop);
	else if (!f->patient) {
		tell_grace(f);
		loop_timer_set(&f->app->loop, &f->grace, loop_now() +
		    f->app->settings->grace);
	}
}

/* Datagrams without a group: of what is served at the end nothing is said. */
static bool
in_silence(const struct stop *f)
{
	return f->leave.datagrams && f->leave.ends && !f->leave.lost &&
	    !f->leave.held && !f->app->settings->reuseport;
}

static void
on_left(struct leave *l)
{
	struct stop *f = stop_of(l);
	struct event e = {
		.kind = EVENT_DRAINED, .name = f->name,
		.mode = leave_name(l->mode), .text = l->why,
		.queued = l->queued, .handshakes = l->handshakes,
		.lost = l->lost,
		.seconds = (double)(loop_now() - l->began) / 1e6,
	};

	f->lost += l->lost;
	if (!in_silence(f))
		emit_event(f->app, &e);
	if (f->on_left)
		f->on_left(f);
	if (f->leave.ends)
		wind_up(f);
}

/* People know why, but for what another member has wished. */
static void
tell_why(struct stop *f)
{
	struct event e = {
		.kind = EVENT_DRAINING, .name = f->name,
		.reason = f->why ? f->why : f->leave.ends ? "end" : "leave",
	};

	if (f->why || f->app->settings->json)
		emit_event(f->app, &e);
}

static bool
listens(const struct stop *f)
{
	return f->leave.datagrams ? f->leave.set->count : f->leave.acceptor->count;
}

static enum leave_mode
wish(const struct stop *f)
{
	const struct settings *s = f->app->settings;

	if (f->leave.set->bound[0].sa.sa_family == AF_UNIX ||
	    (f->leave.datagrams && !s->reuseport))
		return LEAVE_DRAIN;
	return (enum leave_mode)s->leave;
}

/* Whoever has the sockets as well: what is queued is theirs. */
static const char *
holder(struct stop *f)
{
	if (!f->leave.set->adopted &&
	    !registry_slot(f->leave.registry, f->leave.slot)->adopted_by)
		return NULL;
	return adoption_holder(f->leave.set, f->held);
}

static void
leave(struct stop *f)
{
	f->leave.loop = &f->app->loop;
	f->leave.on_left = on_left;
	f->leave.wish = wish(f);
	f->leave.held = holder(f);
	tell_why(f);
	if (f->leave.datagrams)
		leave_udp_start(&f->leave);
	else
		leave_start(&f->leave);
}

void
stop_begin(struct stop *f)
{
	f->grace.on_timer = on_grace;
	if (f->leave.active)
		return;		/* on_left() goes on from there */
	if (listens(f))
		leave(f);
	else
		wind_up(f);
}

void
stop_hurry(struct stop *f)
{
	f->patient = false;
	if (!f->leave.active)
		wind_up(f);
}

void
stop_now(struct stop *f)
{
	if (f->leave.datagrams)
		leave_udp_now(&f->leave);
	else
		leave_now(&f->leave);
	loop_stop(&f->app->loop);
}

void
stop_closed(struct stop *f)
{
	if (f->leave.ends && !f->leave.active && !sessions(f))
		loop_stop(&f->app->loop);
}

void
stop_request(struct stop *f, bool in_order)
{
	bool again = f->leave.ends;

	f->leave.ends = true;
	if (again && f->patient)
		stop_hurry(f);
	else if (again)
		stop_now(f);
	else if (in_order)
		stop_begin(f);
	else
		loop_stop(&f->app->loop);
}
