/*
 * rpnc probe --group: the groups of a port, without a connection. A timer
 * samples the port's sockets (probe/inspect); a group is judged over several
 * samples.
 *
 *	sampling	enough samples: shows the groups. Then the command
 *			ends, or goes on sampling with --watch, or with --wait
 *			until there is a group, which is as expected, or the
 *			time is over
 *	showing		--watch: every interval; by a header on a terminal, as
 *			events or lines elsewhere
 */
#include "cmd/probe_group.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/emit.h"
#include "app/live_screen.h"
#include "base/clock.h"
#include "base/container.h"
#include "base/line.h"
#include "base/num.h"
#include "cmd/probe_confine.h"
#include "group/reach/steering_check.h"
#include "net/resolve.h"
#include "net/sock.h"
#include "probe/inspect/gate.h"
#include "probe/inspect/inspect.h"
#include "report/group.h"
#include "report/wrap.h"

enum {
	GROUP_BELOW = 2,		/* rows, for notices */
	STEERING_NS = 2000 * 1000 * 1000,
	STEERING_EVERY_US = 2000 * 1000,
};

struct group_probe {
	struct app app;
	const struct settings *settings;
	struct inspect inspect;
	struct timer timer;
	struct live_screen screen;
	bool drawn;			/* by the header */
	int64_t shown;			/* when, loop_now(); 0: not yet */
	int64_t interval;		/* --watch's, us */
	bool emitted;			/* a group: the next is a further one */
	int64_t until;			/* --wait is over, loop_now() */
	bool gated;			/* something is expected: */
	struct gate gate;
	int64_t steering_at;		/* may be found out again, loop_now() */
	char why[GATE_TEXT];		/* it is not so; "": it is */
};

static struct group_probe *
group_probe_of(struct timer *t)
{
	return container_of(t, struct group_probe, timer);
}

/* A table that is drawn is for people. */
static void
group_emit(struct group_probe *p)
{
	for (int i = 0; i < p->inspect.count; i++) {
		struct event e = {
			.kind = EVENT_GROUP,
			.group = inspect_group(&p->inspect, i),
		};

		inspect_group(&p->inspect, i)->further = p->emitted;
		if (p->drawn)
			emit_for_programs(&p->app, &e);
		else
			emit_event(&p->app, &e);
		p->emitted = true;
	}
}

static void
fail_no_group(struct group_probe *p)
{
	bool wanted = p->gated && p->gate.members > 0;

	fail_as(wanted ? STATUS_EXPECT : STATUS_NETWORK, "no group on port "
	    "%u: no %s socket has it%s",
	    p->inspect.port, p->inspect.datagram ? "UDP" : "TCP",
	    p->inspect.host.len ? " for that address" : "");
	if (wanted)
		fail_add("wanted %lld member%s", (long long)p->gate.members,
		    plural((uint64_t)p->gate.members));
	if (p->settings->wait)
		fail_add("looked for %g s. Is the server started?",
		    (double)p->settings->wait / 1e6);
	app_fault(&p->app);
}

/* The groups are there, and not as expected. */
static void
fail_unmet(struct group_probe *p)
{
	fail_as(STATUS_EXPECT, "%s", p->why);
	if (p->settings->wait)
		fail_add("waited %g s", (double)p->settings->wait / 1e6);
	app_fault(&p->app);
}

/* Whether the group's address is this host's own, whatever its interface. */
static bool
can_be_begun(const struct group_report *r)
{
	return r->sockets > 1 && r->steered < 0 &&
	    (!r->interface || strcmp(r->interface, "lo") == 0);
}

/* Finds out whether programs steer, by connections that are taken back. */
static void
steering_find(struct group_probe *p)
{
	int64_t end = clock_ns() + STEERING_NS;

	for (int i = 0; i < p->inspect.count && !p->inspect.datagram; i++) {
		const struct group_report *r = inspect_group(&p->inspect, i);

		if (can_be_begun(r))
			inspect_steered(&p->inspect, i, steering_check(
			    p->inspect.sockinfo.diag, r->address,
			    r->interface, end, p->app.signals.fd));
	}
}

static int
gate_judge(struct group_probe *p)
{
	int n = p->inspect.count;
	const struct group_report **groups = calloc((size_t)n,
	    sizeof(struct group_report *));
	bool met;

	if (!groups)
		return fail("groups");
	for (int i = 0; i < n; i++)
		groups[i] = inspect_group(&p->inspect, i);
	met = gate_is_met(&p->gate, groups, (size_t)n, p->why);
	free(groups);
	return met;
}

/*
 * Whether the groups are as expected; -1: they can't be judged. Connections are
 * only begun if all else is as expected, and only now and then.
 */
static int
group_judge(struct group_probe *p)
{
	int n = inspect_judge(&p->inspect), met;
	int64_t now = loop_now();

	if (n <= 0 || !p->gated)
		return n < 0 ? -1 : n > 0 || (p->gated && !p->gate.members);
	met = gate_judge(p);
	if (met <= 0 || !(p->gate.flags & 1 << GROUP_STEERED))
		return met;
	if (p->steering_at > now && p->until > now)
		return 0;
	p->steering_at = now + STEERING_EVERY_US;
	steering_find(p);
	return gate_judge(p);
}

/* Shows the groups, and ends unless they are watched. */
static void
group_show(struct group_probe *p, bool met)
{
	p->shown = loop_now();
	if (p->drawn)
		header_touch(&p->screen.top);
	group_emit(p);
	if (p->settings->watch)
		return;
	if (!met && !p->inspect.count)
		fail_no_group(p);
	else if (!met)
		fail_unmet(p);
	loop_stop(&p->app.loop);
}

/*
 * With --wait nothing is shown before it is as expected. A signal cuts the
 * search for programs short: the loop reads it next.
 */
static void
group_observe(struct group_probe *p)
{
	int met = group_judge(p);

	if (met >= 0 && app_has_signal(&p->app))
		return;
	if (met < 0)
		app_fatal(&p->app);
	else if (met || p->settings->watch || loop_now() >= p->until)
		group_show(p, met);
}

/* Takes a sample; only several samples show whether a queue is stuck. */
static void
on_timer(struct timer *t)
{
	struct group_probe *p = group_probe_of(t);

	if (inspect_snapshot(&p->inspect) < 0) {
		app_fatal(&p->app);
		return;
	}
	if (inspect_is_settled(&p->inspect) &&
	    (!p->shown || loop_now() >= p->shown + p->interval))
		group_observe(p);
	loop_timer_set(&p->app.loop, t, loop_now() + INSPECT_GAP_US);
}

static char *
line_at(char *text, size_t line)
{
	while (line--)
		text = strchr(text, '\n') + 1;
	return text;
}

/* Cuts text to lines; if it has more, the last one says where it is. */
static char *
cut_lines(char *text, struct view *view, int columns, size_t lines)
{
	size_t count = line_count(text), shown = lines ? lines - 1 : 0, first;
	char *part = NULL, *from, last[80];

	if (count <= lines) {
		view_first(view, count, lines);
		return text;
	}
	first = view_first(view, count, shown);
	from = line_at(text, first);
	*line_at(from, shown) = '\0';
	if (first)
		snprintf(last, sizeof(last), "  ... %zu line%s above, %zu below",
		    first, plural(first), count - first - shown);
	else
		snprintf(last, sizeof(last), "  ... and %zu more lines",
		    count - shown);
	if (!lines || asprintf(&part, "%s%s\n", from, table_cut(last,
	    columns)) < 0)
		part = NULL;
	free(text);
	return part ? part : strdup("");
}

static char *
group_draw(struct live_screen *s, int columns, int lines)
{
	struct group_probe *p = container_of(s, struct group_probe, screen);
	const struct table_style style = {
		.columns = columns, .color = p->app.style.color,
	};
	char *text = NULL, *wrapped;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	if (!p->inspect.count)
		fprintf(out, "no group on port %u\n", p->inspect.port);
	for (int i = 0; i < p->inspect.count; i++) {
		struct group_report *r = inspect_group(&p->inspect, i);

		r->further = i > 0;
		group_human(out, r, &style);
		fputc('\n', out);
	}
	fclose(out);
	wrapped = text ? wrap_text(text, columns) : NULL;
	free(text);
	return wrapped ? cut_lines(wrapped, &s->view, columns,
	    (size_t)lines) : NULL;
}

static void
on_signal(struct app *a, const struct signalfd_siginfo *info)
{
	struct group_probe *p = container_of(a, struct group_probe, app);

	if (info->ssi_signo == SIGCHLD || live_screen_signal(&p->screen, info))
		return;
	a->ended_by = (int)info->ssi_signo;
	loop_stop(&a->loop);
}

static int
group_header_open(struct group_probe *p)
{
	if (!p->settings->watch || p->settings->json ||
	    !header_possible(STDOUT_FILENO))
		return 0;
	p->drawn = true;
	p->screen.draw = group_draw;
	p->screen.top.below = GROUP_BELOW;
	return live_screen_open(&p->screen, &p->app, &p->app.out, STDOUT_FILENO,
	    true);
}

int
probe_host(const struct settings *s, const struct endpoint *e,
    const char *option, struct addr *out)
{
	struct addr_list list;
	int local = 0;

	if (!e->port)
		return fail_as(STATUS_USAGE, "%s: want a port", option);
	if (!e->host[0])
		return 0;
	if (resolve_wait(e, loop_now() + s->connect_timeout, s->wait, NULL,
	    &list) < 0)
		return -1;
	while (local < list.count && !sock_is_local(&list.at[local]))
		local++;
	if (local < list.count)
		*out = list.at[local];
	addr_list_free(&list);
	if (out->len)
		return 0;
	return fail_as(STATUS_USAGE, "%s asks this host's kernel, and %.100s "
	    "is another host", option, e->host);
}

static void
group_run(struct group_probe *p)
{
	p->timer.on_timer = on_timer;
	p->until = loop_now() + p->settings->wait;
	on_timer(&p->timer);
	if (p->app.status != STATUS_OK)
		return;
	if (group_header_open(p) < 0 || probe_confine(&p->app, 0) < 0 ||
	    (!p->app.loop.stopped &&
	    loop_run(&p->app.loop) < 0))
		app_fault(&p->app);
	live_screen_close(&p->screen);
}

/* Reads --expect-members and --fail-flags; -1: usage. */
static int
gate_read(struct group_probe *p)
{
	const struct settings *s = p->settings;
	int flags = s->fail_flags ? gate_flags(s->fail_flags,
	    GATE_OF_GROUP) : 0;

	if (flags < 0)
		return fail_option("--fail-flags");
	p->gate.flags = (unsigned)flags;
	p->gate.members = opt_has(&s->given, "expect-members") ?
	    s->expect_members : -1;
	p->gated = flags || p->gate.members >= 0;
	return 0;
}

int
probe_group(const struct settings *s, const struct endpoint *e,
    int *ended_by)
{
	struct group_probe p = {
		.settings = s,
		.inspect = {
			.datagram = s->udp, .port = e->port,
			.family = s->family,
		},
	};
	int status = -1;

	if (gate_read(&p) < 0 ||
	    probe_host(s, e, "--group", &p.inspect.host) < 0)
		return -1;
	p.interval = s->watch ? settings_interval(s) : 0;
	if (p.interval < 0)
		return -1;
	if (inspect_open(&p.inspect) == 0 && app_open(&p.app, s) == 0) {
		p.app.on_signal = on_signal;
		group_run(&p);
		*ended_by = p.app.ended_by;
		status = app_close(&p.app);
	}
	inspect_close(&p.inspect);
	return status;
}
