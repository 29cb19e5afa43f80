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
stop_sessions(const struct stop *f)
{
	return f->leave.acceptor->open;
}

static void
on_grace(struct timer *t)
{
	struct stop *f = container_of(t, struct stop, grace);

	loop_stop(&f->app->loop);
}

/* At a prompt, or with -v: says what the server waits for. */
static void
print_grace(const struct stop *f)
{
	const struct settings *s = f->app->settings;
	char line[128], time[NUM_TEXT];
	unsigned n = stop_sessions(f);
	int length;

	if (s->json || (!f->app->interactive && !s->verbose))
		return;
	length = snprintf(line, sizeof(line), "%u session%s open: up to %s for "
	    "%s to end; Ctrl-C ends now\n", n, n == 1 ? "" : "s",
	    duration_text(s->grace, time), n == 1 ? "it" : "them");
	f->app->print(f->app, line, (size_t)length, false);
}

/* The listeners are closed: ends when the sessions do, or the grace is over. */
static void
begin_grace(struct stop *f)
{
	if (!stop_sessions(f))
		loop_stop(&f->app->loop);
	else if (!f->patient) {
		print_grace(f);
		loop_timer_set(&f->app->loop, &f->grace, loop_now() +
		    f->app->settings->grace);
	}
}

/* Datagrams without a group, none lost: there is nothing to report. */
static bool
is_silent(const struct stop *f)
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
		.lost = l->lost, .detail = f->app->settings->verbose,
		.seconds = (double)(loop_now() - l->began) / 1e6,
	};

	f->lost += l->lost;
	if (!is_silent(f))
		emit_event(f->app, &e);
	if (f->on_left)
		f->on_left(f);
	if (f->leave.ends)
		begin_grace(f);
}

/* In text only if another process is the cause: the user knows the others. */
static void
emit_draining(struct stop *f)
{
	struct event e = {
		.kind = EVENT_DRAINING, .name = f->name,
		.reason = f->why ? f->why : f->leave.ends ? "end" : "leave",
	};

	if (f->why || f->app->settings->json)
		emit_event(f->app, &e);
}

static bool
stop_listens(const struct stop *f)
{
	return f->leave.datagrams ? f->leave.set->count :
	    f->leave.acceptor->count;
}

static enum leave_mode
stop_leave_mode(const struct stop *f)
{
	const struct settings *s = f->app->settings;

	if (f->leave.set->bound[0].sa.sa_family == AF_UNIX ||
	    (f->leave.datagrams && !s->reuseport))
		return LEAVE_DRAIN;
	return (enum leave_mode)s->leave;
}

/* Text about another process that shares the sockets, or NULL. */
static const char *
stop_holder(struct stop *f)
{
	if (!f->leave.set->adopted &&
	    !registry_slot(f->leave.registry, f->leave.slot)->adopted_by)
		return NULL;
	return adoption_holder(f->leave.set, f->held);
}

static void
stop_leave(struct stop *f)
{
	f->leave.loop = &f->app->loop;
	f->leave.on_left = on_left;
	f->leave.asked = stop_leave_mode(f);
	f->leave.held = stop_holder(f);
	emit_draining(f);
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
	if (stop_listens(f))
		stop_leave(f);
	else
		begin_grace(f);
}

void
stop_hurry(struct stop *f)
{
	f->patient = false;
	if (!f->leave.active)
		begin_grace(f);
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
	if (f->leave.ends && !f->leave.active && !stop_sessions(f))
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
