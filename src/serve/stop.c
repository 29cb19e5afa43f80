#include "serve/stop.h"

#include <stdio.h>

#include "base/num.h"

static struct farewell *
farewell_of(struct leave *l)
{
	return (struct farewell *)l;
}

static void
accept_all(struct leave *l)
{
	acceptor_drain(farewell_of(l)->acceptor);
}

static uint64_t
served(struct leave *l)
{
	return *farewell_of(l)->served;
}

static void
on_gate(struct leave *l)
{
	farewell_of(l)->acceptor->gated = true;
}

static void
serve_queued(struct leave *l)
{
	farewell_of(l)->datagrams->serve(farewell_of(l));
}

static void
close_all(struct leave *l)
{
	struct farewell *f = farewell_of(l);

	f->set->count = 0;
	if (f->datagrams)
		f->datagrams->close(f);
	else
		acceptor_close(f->acceptor);
	f->acceptor->gated = false;
	registry_set_state(f->registry, f->slot, f->ending ? STATE_LEFT :
	    STATE_AWAY);
}

static unsigned
sessions(const struct farewell *f)
{
	return f->acceptor->open;
}

static void
on_grace(struct timer *t)
{
	struct farewell *f = (struct farewell *)((char *)t -
	    offsetof(struct farewell, grace));

	loop_stop(&f->desk->loop);
}

/* Whoever watches is told what is waited for. */
static void
tell_grace(const struct farewell *f)
{
	const struct settings *s = f->desk->settings;
	char line[128], time[NUM_TEXT];
	unsigned n = sessions(f);
	int length;

	if (s->json || (!f->desk->interactive && !s->verbose))
		return;
	length = snprintf(line, sizeof(line), "%u session%s open: up to %s for "
	    "%s to end; Ctrl-C ends now\n", n, n == 1 ? "" : "s",
	    duration_text(s->grace, time), n == 1 ? "it" : "them");
	f->desk->print(f->desk, line, (size_t)length, false);
}

/* Out of the group: the sessions have until the grace is over. */
static void
wind_up(struct farewell *f)
{
	if (!sessions(f))
		loop_stop(&f->desk->loop);
	else if (!f->patient) {
		tell_grace(f);
		loop_timer_set(&f->desk->loop, &f->grace, loop_now() +
		    f->desk->settings->grace);
	}
}

/* Datagrams without a group: of what is served at the end nothing is said. */
static bool
in_silence(const struct farewell *f)
{
	return f->datagrams && f->ending && !f->leave.lost &&
	    !f->leave.held && !f->desk->settings->reuseport;
}

static void
on_left(struct leave *l)
{
	struct farewell *f = farewell_of(l);
	struct event e = {
		.kind = EVENT_DRAINED, .name = f->name,
		.mode = leave_name(l->mode), .text = l->why,
		.queued = l->queued, .handshakes = l->handshakes,
		.lost = l->lost,
		.seconds = (double)(loop_now() - l->began) / 1e6,
	};

	f->lost += l->lost;
	if (!in_silence(f))
		desk_tell(f->desk, &e);
	if (f->on_left)
		f->on_left(f);
	if (f->ending)
		wind_up(f);
}

/* People know why, but for what another member has wished. */
static void
tell_why(struct farewell *f)
{
	struct event e = {
		.kind = EVENT_DRAINING, .name = f->name,
		.reason = f->why ? f->why : f->ending ? "end" : "leave",
	};

	if (f->why || f->desk->settings->json)
		desk_tell(f->desk, &e);
}

static bool
listens(const struct farewell *f)
{
	return f->datagrams ? f->set->count : f->acceptor->count;
}

static enum leave_mode
wish(const struct farewell *f)
{
	const struct settings *s = f->desk->settings;

	if (f->set->bound[0].sa.sa_family == AF_UNIX ||
	    (f->datagrams && !s->reuseport))
		return LEAVE_DRAIN;
	return (enum leave_mode)s->leave;
}

/* Whoever has the sockets as well: what is queued is theirs. */
static const char *
holder(struct farewell *f)
{
	if (!f->set->adopted &&
	    !registry_slot(f->registry, f->slot)->adopted_by)
		return NULL;
	return adoption_holder(f->set, f->held);
}

static void
leave(struct farewell *f)
{
	static const struct leave_ops ops[] = {
		{ accept_all, served, on_gate, close_all, on_left },
		{ serve_queued, served, NULL, close_all, on_left },
	};

	f->leave.loop = &f->desk->loop;
	f->leave.registry = f->registry;
	f->leave.set = f->set;
	f->leave.wish = wish(f);
	f->leave.held = holder(f);
	f->leave.ops = &ops[f->datagrams != NULL];
	tell_why(f);
	if (f->datagrams)
		leave_datagram_start(&f->leave);
	else
		leave_start(&f->leave);
}

void
farewell_begin(struct farewell *f)
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
farewell_hurry(struct farewell *f)
{
	f->patient = false;
	if (!f->leave.active)
		wind_up(f);
}

void
farewell_now(struct farewell *f)
{
	if (f->datagrams)
		leave_datagram_now(&f->leave);
	else
		leave_now(&f->leave);
	loop_stop(&f->desk->loop);
}

void
farewell_closed(struct farewell *f)
{
	if (f->ending && !f->leave.active && !sessions(f))
		loop_stop(&f->desk->loop);
}
