#include "cmd/farewell.h"

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
accepted(struct leave *l)
{
	return farewell_of(l)->counters->accepted;
}

static void
on_gate(struct leave *l)
{
	farewell_of(l)->acceptor->gated = true;
}

static void
close_all(struct leave *l)
{
	struct farewell *f = farewell_of(l);

	acceptor_close(f->acceptor);
	f->acceptor->gated = false;
	f->set->count = 0;
	board_set_state(f->board, f->slot, f->ending ? STATE_LEFT :
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

/* Out of the group: the sessions have until the grace is over. */
static void
wind_up(struct farewell *f)
{
	if (!sessions(f))
		loop_stop(&f->desk->loop);
	else if (!f->patient)
		loop_timer_set(&f->desk->loop, &f->grace, loop_now() +
		    f->desk->settings->grace);
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

	desk_tell(f->desk, &e);
	if (f->on_left)
		f->on_left(f);
	if (f->ending)
		wind_up(f);
}

void
farewell_begin(struct farewell *f)
{
	static const struct leave_ops ops = {
		.accept_all = accept_all, .accepted = accepted,
		.on_gate = on_gate, .close_all = close_all,
		.on_left = on_left,
	};

	f->grace.on_timer = on_grace;
	if (f->leave.active)
		return;		/* on_left() goes on from there */
	if (!f->acceptor->count) {
		wind_up(f);
		return;
	}
	f->leave.loop = &f->desk->loop;
	f->leave.board = f->board;
	f->leave.set = f->set;
	f->leave.wish = f->set->bound[0].sa.sa_family == AF_UNIX ?
	    LEAVE_DRAIN : (enum leave_mode)f->desk->settings->leave;
	f->leave.ops = &ops;
	leave_start(&f->leave);
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
	leave_now(&f->leave);
	loop_stop(&f->desk->loop);
}

void
farewell_closed(struct farewell *f)
{
	if (f->ending && !f->leave.active && !sessions(f))
		loop_stop(&f->desk->loop);
}
