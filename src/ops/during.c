/*
 * Attempts at a steady rate, before, while and after a command runs.
 *
 *	phase	what happens			ends when
 *	settle	the load looks for an address	an address accepts
 *	lead	attempts only			d->lead is over
 *	command	the command runs		the command has ended
 *	tail	attempts only			d->tail is over
 *	rest	no new attempts: those in	none is in flight
 *		flight may be lost ones
 *
 * In all phases the members of the group are polled every 50 ms, so that the
 * report can show when members came and went.
 */
#include "ops/during.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/fail.h"

enum { POLL_US = 50 * 1000 };

static void
during_on_result(struct load *l, const struct attempt_result *result)
{
	struct during *d = container_of(l, struct during, load);

	if (!d->line.from && timeline_begin(&d->line, l->schedule.first) < 0) {
		l->on_fault(l);
		return;
	}
	if (d->resumed != l->schedule.resumed)
		timeline_resume(&d->line, l->schedule.resumed);
	d->resumed = l->schedule.resumed;
	timeline_add(&d->line, result);
	if (d->on_attempt)
		d->on_attempt(d, result);
}

static void
during_on_lead(struct timer *t)
{
	struct during *d = container_of(t, struct during, step);
	struct child_plan plan = {
		.spawner = &d->spawner, .argv = d->argv, .files = &d->files,
	};
	/* not after it: a short command may have ended by then */
	int64_t started = clock_ns();

	if (child_start(&d->child, &plan) < 0) {
		d->on_command_fault(d);
		return;
	}
	d->started = started;
	during_reap(d);
}

static void
during_on_change(struct membership_poll *p, const struct row *row, bool came)
{
	struct during *d = container_of(p, struct during, poll);

	timeline_change(&d->line, row, came);
}

/* After a new row, looks in /proc: a process may have inherited a socket. */
static void
during_poll(struct during *d)
{
	const struct tally *t = &d->load.tally;

	if (d->load.schedule.scouting || !d->load.identify)
		return;
	membership_poll_observe(&d->poll, &d->load.shared.target,
	    t->count != d->rows);
	d->rows = t->count;
}

static void
during_on_tail(struct timer *t)
{
	struct during *d = container_of(t, struct during, step);

	during_poll(d);
	loop_timer_cancel(d->load.shared.loop, &d->poll_timer);
	load_end(&d->load);
}

static void
during_on_poll(struct timer *t)
{
	struct during *d = container_of(t, struct during, poll_timer);
	struct loop *l = d->load.shared.loop;
	int64_t now = loop_now();

	if (!d->led && !d->cut && !d->load.schedule.scouting) {
		d->led = true;
		d->step.on_timer = during_on_lead;
		loop_timer_set(l, &d->step, now + d->lead);
	}
	during_poll(d);
	loop_timer_set(l, t, now + POLL_US);
}

int
during_start(struct during *d, struct loop *l)
{
	d->load.on_result = during_on_result;
	d->poll_timer.on_timer = during_on_poll;
	d->poll.served = &d->load.tally;
	d->poll.datagram = d->load.plan->datagram;
	d->poll.on_change = during_on_change;
	membership_poll_open(&d->poll);
	if (child_spawner_open(&d->spawner) < 0 || load_start(&d->load, l) < 0)
		return -1;
	return loop_timer_set(l, &d->poll_timer, loop_now());
}

void
during_reap(struct during *d)
{
	if (d->ended || !child_reap(&d->child))
		return;
	d->ended = clock_ns();
	if (d->cut) {
		load_stop(&d->load);
		return;
	}
	d->step.on_timer = during_on_tail;
	loop_timer_set(d->load.shared.loop, &d->step, loop_now() +
	    d->tail);
}

void
during_cut(struct during *d, int number, bool pass_on)
{
	d->cut = true;
	if (d->started && !d->ended) {
		if (pass_on)
			child_signal(&d->child, number);
		return;
	}
	loop_timer_cancel(d->load.shared.loop, &d->step);
	load_stop(&d->load);
}

/* The command's words, joined for people. */
static char *
command_text(char *const *argv)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	for (int i = 0; argv[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", argv[i]);
	return fclose(out) == 0 ? text : NULL;
}

static double
during_seconds(const struct during *d, int64_t when)
{
	return when ? (double)(when - d->load.schedule.first) / 1e9 : NAN;
}

int
during_report(struct during *d, struct probe_during *out, char **text)
{
	int status = d->child.status;

	*out = (struct probe_during){
		.started = during_seconds(d, d->started),
		.ended = during_seconds(d, d->ended),
		.status = d->ended && WIFEXITED(status) ?
		    WEXITSTATUS(status) : -1,
		.signal = d->ended && WIFSIGNALED(status) ?
		    WTERMSIG(status) : -1,
	};
	out->skipped = d->load.schedule.skipped;
	out->command = *text = command_text(d->argv);
	return *text ? timeline_report(&d->line, out) : fail("report");
}

void
during_close(struct during *d)
{
	spawner_close(&d->spawner);
	timeline_free(&d->line);
	membership_poll_close(&d->poll);
	load_close(&d->load);
}
