/*
 * rpnc probe --quarantine, --rescue: a stuck member gets no new connections
 * while this runs. It finds the member, asks the user, and puts a request on
 * the registry; healthy members attach a program that follows it, and remove
 * that when the request is gone.
 *
 *	REQUESTED	members have attached the program: on_done(). They
 *			can't, or DO_LIMIT_US is over: a fault, and ENDING
 *	DONE		--rescue accepts the clients in the member's queue. A
 *			signal, or the member has no socket left: ENDING
 *	ENDING		the request is withdrawn. Members have undone it, or
 *			UNDO_LIMIT_US is over, and no rescued client is open:
 *			the loop ends. A second signal ends it at once
 *
 * --rescue accepts only in DONE: before that, the kernel could give its own new
 * connections to the same queue. In ENDING it closes its copies of the
 * listening sockets first, because the kernel gives connections to a listener
 * that nobody serves; clients that it has taken are served to their end.
 */
#include "cmd/probe_quarantine.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "app/emit.h"
#include "base/container.h"
#include "base/num.h"
#include "cmd/probe_confine.h"
#include "cmd/probe_group.h"
#include "group/registry/registry_events.h"
#include "kernel/adopt.h"
#include "ops/quarantine.h"
#include "ops/rescue.h"

enum {
	POLL_US = 1000 * 1000,
	DO_LIMIT_US = 10 * 1000 * 1000,
	UNDO_LIMIT_US = 1000 * 1000,
};

enum phase { REQUESTED, DONE, ENDING };

struct quarantine_probe {
	struct app app;
	const struct settings *settings;
	struct quarantine q;
	struct registry_events watch;
	struct timer poll, limit;
	enum phase phase;
	int state;			/* the process's letter, proc(5) */
	bool orphaned;			/* reported: no healthy member left */
	bool crowded;			/* reported: too many sockets */
	bool undone;			/* the group is as it was */
	struct rescue rescue;
	int64_t began;			/* rescue, loop_now(); 0: not yet */
	uint64_t printed;		/* rescued clients, at the last line */
};

static void
quarantine_emit(struct quarantine_probe *p, enum event_kind kind,
    const char *reason)
{
	struct event e = {
		.kind = kind, .pid = p->q.pid, .reason = reason,
		.name = *p->q.name ? p->q.name : NULL,
		.command = p->q.command,
	};

	emit_event(&p->app, &e);
}

static void
rescue_emit(struct quarantine_probe *p)
{
	const struct rescue *r = &p->rescue;
	struct event e = {
		.kind = EVENT_RESCUE, .command = "rescue", .pid = p->q.pid,
		.name = *p->q.name ? p->q.name : NULL,
		.seconds = (double)(loop_now() - p->began) / 1e6,
		.rescued = r->rescued, .failed = r->failed,
		.in = r->in, .out = r->out,
	};

	if (p->began)
		emit_event(&p->app, &e);
}

/* Ends the loop if members have undone it and no rescued client is open. */
static void
stop_if_over(struct quarantine_probe *p)
{
	if (p->phase == ENDING && p->undone && !p->rescue.open)
		loop_stop(&p->app.loop);
}

static void
release_emit(struct quarantine_probe *p)
{
	char who[QUARANTINE_TEXT], line[QUARANTINE_TEXT + 80];
	bool asked = quarantine_stays(&p->q);

	if (!asked && (p->q.healthy || !p->q.count)) {
		quarantine_emit(p, EVENT_RESUMED, "released");
		return;
	}
	snprintf(line, sizeof(line), "%s stays quarantined: %s",
	    quarantine_text(&p->q, who), asked ? "another rpnc probe asks "
	    "for it" : "no healthy member is left to undo it");
	emit_notice(&p->app, line);
}

static void
quarantine_stop(struct quarantine_probe *p)
{
	bool done = p->phase == DONE;
	char line[160];

	p->phase = ENDING;
	loop_timer_cancel(&p->app.loop, &p->poll);
	if (done)
		quarantine_observe(&p->q); /* a member may just have ended */
	if (p->began)
		rescue_stop(&p->rescue, !p->q.count);
	quarantine_end(&p->q);
	if (done)
		release_emit(p);
	if (p->rescue.open) {
		snprintf(line, sizeof(line), "%u rescued client%s still open: "
		    "this ends with the last of them, or at another signal",
		    p->rescue.open, p->rescue.open == 1 ? " is" : "s are");
		emit_notice(&p->app, line);
	}
	loop_timer_set(&p->app.loop, &p->limit, loop_now() + UNDO_LIMIT_US);
}

static void
quarantine_give_up(struct quarantine_probe *p)
{
	app_fault(&p->app);
	quarantine_stop(p);
}

static void
on_rescued(struct rescue *r, const struct conn *client)
{
	struct quarantine_probe *p = r->user;

	emit_connected(&p->app, client);
}

static void
on_rescue_end(struct rescue *r, const struct conn *client, enum reason reason)
{
	struct quarantine_probe *p = r->user;

	emit_closed(&p->app, client, reason);
}

static void
on_rescue_idle(struct rescue *r)
{
	stop_if_over(r->user);
}

static void
on_rescue_fault(struct rescue *r)
{
	struct quarantine_probe *p = r->user;

	emit_error(&p->app);
}

/* Takes copies of the quarantined sockets; returns how many, or -1. */
static int
take_sockets(const struct quarantine *q, struct sock_set *out)
{
	const struct adopt_filter filter = {
		.family = q->family, .port = q->port,
	};
	int kept = 0;

	if (adopt_sockets(q->pid, &filter, out) < 0)
		return fail_status_set(STATUS_NETWORK);
	for (int i = 0; i < out->count; i++) {
		uint64_t inode = sock_inode(out->fd[i]);
		int j = 0;

		while (j < q->count && q->sock[j].inode != inode)
			j++;
		if (j == q->count) {
			close(out->fd[i]);
			continue;
		}
		out->fd[kept] = out->fd[i];
		out->bound[kept++] = out->bound[i];
	}
	out->count = kept;
	return kept;
}

static int
take_clients(struct quarantine_probe *p)
{
	static const struct rescue_ops ops = {
		.on_open = on_rescued, .on_close = on_rescue_end,
		.on_idle = on_rescue_idle, .on_fault = on_rescue_fault,
	};
	struct sock_set set;

	if (take_sockets(&p->q, &set) < 0)
		return -1;
	p->rescue = (struct rescue){
		.loop = &p->app.loop, .ops = &ops, .user = p,
		.timeout = p->settings->connect_timeout,
	};
	p->began = loop_now();
	return rescue_open(&p->rescue, &set);
}

static void
on_done(struct quarantine_probe *p)
{
	p->phase = DONE;
	loop_timer_cancel(&p->app.loop, &p->limit);
	quarantine_emit(p, EVENT_PAUSED, "quarantined");
	if (p->settings->rescue && take_clients(p) < 0)
		quarantine_give_up(p);
}

/* The registry has changed: looks how far the members are. */
static void
on_wake(struct registry_events *e)
{
	struct quarantine_probe *p = e->user;
	enum progress progress = quarantine_progress(&p->q);

	if (p->phase == ENDING)
		p->undone |= progress != PROGRESS_DUE;
	else if (p->phase == REQUESTED && progress == PROGRESS_DONE)
		on_done(p);
	stop_if_over(p);
	if (progress != PROGRESS_GIVEN_UP || p->phase == ENDING)
		return;
	fail_as(STATUS_NETWORK, "%s: nothing is quarantined: members could "
	    "not attach the program, and report why", p->q.option);
	quarantine_give_up(p);
}

static void
on_limit(struct timer *t)
{
	struct quarantine_probe *p = container_of(t, struct quarantine_probe,
	    limit);

	if (p->phase == ENDING) {
		p->undone = true;
		stop_if_over(p);
		return;
	}
	fail_as(STATUS_NETWORK, "%s: no member has acted: does %s hang?",
	    p->q.option, p->q.doer);
	quarantine_give_up(p);
}

static void
poll_state(struct quarantine_probe *p)
{
	int now = owner_state(p->q.pid);
	char who[QUARANTINE_TEXT], line[QUARANTINE_TEXT + 80];

	if (owner_state_is_stopped(p->state) && now > 0 &&
	    !owner_state_is_stopped(now)) {
		snprintf(line, sizeof(line), "%s goes on, and serves its "
		    "queue; new connections still go to others",
		    quarantine_text(&p->q, who));
		emit_notice(&p->app, line);
	}
	p->state = now;
}

static void
poll_health(struct quarantine_probe *p)
{
	if (!p->q.healthy && !p->orphaned) {
		fail_as(STATUS_OK, "no healthy member is left: nothing keeps "
		    "the quarantine up, or can undo it, until another rpnc "
		    "joins");
		emit_error(&p->app);
	}
	p->orphaned = !p->q.healthy;
}

/* It may have opened sockets meanwhile. */
static void
poll_sockets(struct quarantine_probe *p)
{
	char who[QUARANTINE_TEXT], line[QUARANTINE_TEXT + 80];

	if (p->q.many && !p->crowded) {
		snprintf(line, sizeof(line), "%s has more than %d sockets "
		    "there now: new connections go to the others of them",
		    quarantine_text(&p->q, who), REGISTRY_SOCKETS);
		emit_notice(&p->app, line);
	}
	p->crowded = p->q.many;
}

/* Says how many clients are rescued, once more of them are. */
static void
print_progress(struct quarantine_probe *p)
{
	const struct rescue *r = &p->rescue;
	char line[120];

	if (r->rescued == p->printed || p->settings->json || p->settings->quiet)
		return;
	p->printed = r->rescued;
	snprintf(line, sizeof(line), "%llu client%s rescued so far, %u still "
	    "served through here; Ctrl-C ends it\n",
	    (unsigned long long)r->rescued, plural(r->rescued), r->open);
	app_print(&p->app, line, false);
}

/* Polls, because a process that is not rpnc's sends no notification. */
static void
on_poll(struct timer *t)
{
	struct quarantine_probe *p = container_of(t, struct quarantine_probe,
	    poll);
	char who[QUARANTINE_TEXT], line[QUARANTINE_TEXT + 80];

	if (quarantine_observe(&p->q) < 0)
		emit_error(&p->app);
	if (!p->q.count && !(p->began && rescue_is_due(&p->rescue))) {
		snprintf(line, sizeof(line), "%s has no socket there any more",
		    quarantine_text(&p->q, who));
		emit_notice(&p->app, line);
		quarantine_stop(p);
		return;
	}
	poll_state(p);
	poll_health(p);
	poll_sockets(p);
	print_progress(p);
	loop_timer_set(&p->app.loop, t, loop_now() + POLL_US);
}

/* A second signal ends it at once. */
static void
on_signal(struct app *a, const struct signalfd_siginfo *info)
{
	struct quarantine_probe *p = container_of(a,
	    struct quarantine_probe, app);
	bool again = a->ended_by != 0;

	if (info->ssi_signo == SIGCHLD)
		return;
	a->ended_by = (int)info->ssi_signo;
	if (again) {
		rescue_cut(&p->rescue);
		loop_stop(&a->loop);
	} else if (p->phase != ENDING)
		quarantine_stop(p);
}

static void
describe_queue(const struct quarantine_probe *p, FILE *out)
{
	uint32_t n = p->q.queue;

	if (p->settings->rescue)
		fprintf(out, "  clients in its queue, %u now, are connected "
		    "to the port again from here:\n  their server sees this "
		    "host's address\n", n);
	else if (!p->q.datagram && n)
		fprintf(out, "  %u client%s in its queue stay%s there: "
		    "--rescue takes them\n", n, n == 1 ? "" : "s",
		    n == 1 ? "s" : "");
}

/* Writes what will be done, for the user to confirm. */
static void
describe(struct quarantine_probe *p, FILE *out)
{
	const struct quarantine *q = &p->q;
	const char *ones = q->datagram ? "datagrams" : "connections";
	char who[QUARANTINE_TEXT];

	fprintf(out, "%s%s gets no new %s on port %u while this runs\n",
	    quarantine_text(q, who),
	    owner_state_is_stopped(p->state) ? ", stopped," : "",
	    ones, q->port);
	describe_queue(p, out);
	fprintf(out, "  %s sees to it, and undoes it however this ends\n",
	    q->healthy > 1 ? "a healthy member" : q->doer);
	if (q->healthy == 1)
		fprintf(out, "  it is the only one that can: if it is killed "
		    "meanwhile, nobody undoes it\n  before another rpnc "
		    "joins\n");
	if (q->foreign)
		fprintf(out, "  a program that a foreign member has attached "
		    "is replaced, and lost\n");
	fputs("  Ctrl-C ends it\n", out);
}

/* Asks the user to confirm. 1: yes (or --yes), 0: no, -1: a fault. */
static int
ask_user(struct quarantine_probe *p)
{
	char *text = NULL, answer[80] = "";
	size_t length;
	FILE *out;

	out = open_memstream(&text, &length);
	if (!out)
		return fail("text");
	describe(p, out);
	fclose(out);
	if (!p->settings->yes || !p->settings->quiet)
		dprintf(STDERR_FILENO, "%s", text);
	free(text);
	if (p->settings->yes)
		return 1;
	dprintf(STDERR_FILENO, "Do it? [y/N] ");
	return fgets(answer, sizeof(answer), stdin) &&
	    (*answer == 'y' || *answer == 'Y');
}

static int
quarantine_check(const struct settings *s)
{
	const char *option = s->rescue ? "--rescue" : "--quarantine";

	if (!s->yes && (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)))
		return fail_as(STATUS_USAGE, "%s asks first, and there is no "
		    "terminal to ask on: say --yes", option);
	return 0;
}

/* Checks, before anything is done, that --rescue can take the queue. */
static int
may_take(const struct quarantine *q)
{
	struct sock_set set;

	for (int i = 0; i < q->count; i++)
		if (q->sock[i].ifindex && !(q->sock[i].local.sa.sa_family ==
		    AF_INET6 && q->sock[i].local.in6.sin6_scope_id))
			return fail_as(STATUS_NETWORK, "--rescue: the group "
			    "is bound to an interface, so its members can't "
			    "be reached from here; use --quarantine");
	if (take_sockets(q, &set) < 0)
		return -1;
	sock_set_close(&set);
	return 0;
}

static int
quarantine_serve(struct quarantine_probe *p)
{
	static const struct registry_events_ops ops = { .on_wake = on_wake };
	struct loop *l = &p->app.loop;

	p->app.on_signal = on_signal;
	p->poll.on_timer = on_poll;
	p->limit.on_timer = on_limit;
	p->watch.ops = &ops;
	p->watch.user = p;
	if (quarantine_begin(&p->q) < 0 ||
	    loop_timer_set(l, &p->limit, loop_now() + DO_LIMIT_US) < 0 ||
	    loop_timer_set(l, &p->poll, loop_now() + POLL_US) < 0 ||
	    registry_events_open(&p->watch, l, p->q.registry) < 0)
		return -1;
	return probe_confine(&p->app, KEEPS_ACCEPT) < 0 ? -1 : loop_run(l);
}

static int
quarantine_run(struct quarantine_probe *p, int *ended_by)
{
	if (app_open(&p->app, p->settings) < 0)
		return -1;
	if (quarantine_serve(p) < 0)
		app_fault(&p->app);
	rescue_cut(&p->rescue);
	rescue_emit(p);
	registry_events_close(&p->watch);
	quarantine_close(&p->q);
	*ended_by = p->app.ended_by;
	return app_close(&p->app);
}

int
probe_quarantine(const struct settings *s, const struct endpoint *e,
    int *ended_by)
{
	struct quarantine_probe p = {
		.settings = s,
		.q = {
			.option = s->rescue ? "--rescue" : "--quarantine",
			.whom = s->rescue ? s->rescue : s->quarantine,
			.datagram = s->udp, .force = s->force,
			.port = e->port, .family = s->family,
		},
	};
	int go, status = -1;

	snprintf(p.q.lister, sizeof(p.q.lister), "rpnc probe --group%s %u",
	    s->udp ? " -u" : "", e->port);
	if (quarantine_check(s) < 0 ||
	    probe_host(s, e, p.q.option, &p.q.host) < 0)
		return -1;
	if (quarantine_find(&p.q) == 0 && (!s->rescue || may_take(&p.q) == 0)) {
		p.state = owner_state(p.q.pid);
		go = ask_user(&p);
		if (go > 0)
			return quarantine_run(&p, ended_by);
		if (go == 0)
			fail_as(STATUS_NETWORK, "%s: nothing was done",
			    p.q.option);
	}
	quarantine_close(&p.q);
	return status;
}
