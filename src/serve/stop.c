/*
 * How a server ends, or (leave.ends is false) only leaves its group.
 *
 *	state		what it does		what moves it on
 *	serving		listens			stop_begin(): leaving
 *	leaving		leave.c closes the	on_left(): grace, or back to
 *			listeners		serving without listeners
 *	grace		open sessions go on;	the last session closes, or
 *			--grace is the limit,	--grace is over: ended
 *			but not after /drain
 *	ended		the loop is stopped
 *
 * stop_now(), for a second signal, ends from any state. The server owns struct
 * stop and the sockets; leave.c closes the sockets.
 */
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
stop_sessions(const struct stop *s)
{
	return s->leave.acceptor->open;
}

static void
on_grace(struct timer *t)
{
	struct stop *s = container_of(t, struct stop, grace);

	loop_stop(&s->app->loop);
}

/* At a prompt, or with -v: says what the server waits for. */
static void
print_grace(const struct stop *stop)
{
	const struct settings *s = stop->app->settings;
	char line[128], time[NUM_TEXT];
	unsigned n = stop_sessions(stop);
	int length;

	if (s->json || (!stop->app->interactive && !s->verbose))
		return;
	length = snprintf(line, sizeof(line), "%u session%s open: up to %s for "
	    "%s to end; Ctrl-C ends now\n", n, n == 1 ? "" : "s",
	    duration_text(s->grace, time), n == 1 ? "it" : "them");
	stop->app->print(stop->app, line, (size_t)length, false);
}

/* The listeners are closed: ends when the sessions do, or the grace is over. */
static void
begin_grace(struct stop *s)
{
	if (!stop_sessions(s))
		loop_stop(&s->app->loop);
	else if (!s->patient) {
		print_grace(s);
		loop_timer_set(&s->app->loop, &s->grace, loop_now() +
		    s->app->settings->grace);
	}
}

/* Datagrams without a group, none lost: there is nothing to report. */
static bool
is_silent(const struct stop *s)
{
	return s->leave.datagrams && s->leave.ends && !s->leave.lost &&
	    !s->leave.held && !s->app->settings->reuseport;
}

static void
on_left(struct leave *l)
{
	struct stop *s = stop_of(l);
	struct event e = {
		.kind = EVENT_DRAINED, .name = s->name,
		.mode = leave_name(l->mode), .text = l->why,
		.queued = l->queued, .handshakes = l->handshakes,
		.lost = l->lost, .detail = s->app->settings->verbose,
		.seconds = (double)(loop_now() - l->began) / 1e6,
	};

	s->lost += l->lost;
	if (!is_silent(s))
		emit_event(s->app, &e);
	if (s->on_left)
		s->on_left(s);
	if (s->leave.ends)
		begin_grace(s);
}

/* In text only if another process is the cause: the user knows the others. */
static void
emit_draining(struct stop *s)
{
	struct event e = {
		.kind = EVENT_DRAINING, .name = s->name,
		.reason = s->why ? s->why : s->leave.ends ? "end" : "leave",
	};

	if (s->why)
		emit_event(s->app, &e);
	else
		emit_for_programs(s->app, &e);
}

static bool
stop_listens(const struct stop *s)
{
	return s->leave.datagrams ? s->leave.set->count :
	    s->leave.acceptor->count;
}

static enum leave_mode
stop_leave_mode(const struct stop *stop)
{
	const struct settings *s = stop->app->settings;

	if (stop->leave.set->bound[0].sa.sa_family == AF_UNIX ||
	    (!s->reuseport && (stop->leave.datagrams ||
	    stop->leave.set->inherited)))
		return LEAVE_DRAIN;
	return (enum leave_mode)s->leave;
}

/* Text about another process that shares the sockets, or NULL. */
static const char *
stop_holder(struct stop *s)
{
	if (s->leave.set->inherited)
		return activation_holder(s->leave.set, s->held);
	if (!s->leave.set->adopted &&
	    !registry_slot(s->leave.registry, s->leave.slot)->adopted_by)
		return NULL;
	return adoption_holder(s->leave.set, s->held);
}

static void
stop_leave(struct stop *s)
{
	s->leave.loop = &s->app->loop;
	s->leave.on_left = on_left;
	s->leave.asked = stop_leave_mode(s);
	s->leave.held = stop_holder(s);
	emit_draining(s);
	if (s->leave.datagrams)
		leave_udp_start(&s->leave);
	else
		leave_start(&s->leave);
}

void
stop_begin(struct stop *s)
{
	s->grace.on_timer = on_grace;
	if (s->leave.active)
		return;		/* on_left() goes on from there */
	if (stop_listens(s))
		stop_leave(s);
	else
		begin_grace(s);
}

void
stop_hurry(struct stop *s)
{
	s->patient = false;
	if (!s->leave.active)
		begin_grace(s);
}

void
stop_now(struct stop *s)
{
	if (s->leave.datagrams)
		leave_udp_now(&s->leave);
	else
		leave_now(&s->leave);
	loop_stop(&s->app->loop);
}

void
stop_closed(struct stop *s)
{
	if (s->leave.ends && !s->leave.active && !stop_sessions(s))
		loop_stop(&s->app->loop);
}

void
stop_request(struct stop *s, bool in_order)
{
	bool again = s->leave.ends;

	s->leave.ends = true;
	app_stopping(s->app);
	if (again && s->patient)
		stop_hurry(s);
	else if (again)
		stop_now(s);
	else if (in_order)
		stop_begin(s);
	else
		loop_stop(&s->app->loop);
}
