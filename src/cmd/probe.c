/* rpnc probe: who answers on a port, how fast, and how evenly. */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "cmd/command.h"
#include "cmd/desk.h"
#include "cmd/probe_group.h"
#include "cmd/probe_merge.h"
#include "cmd/probe_metrics.h"
#include "cmd/probe_plan.h"
#include "cmd/probe_scan.h"
#include "probe/expect.h"
#include "probe/identify.h"
#include "probe/pace.h"
#include "probe/roll.h"
#include "probe/summary.h"
#include "probe/whatif.h"

enum {
	PROGRESS_US = 100 * 1000,
	NOTES = 8, NOTE_TEXT = 200,
	BOARD_TRIES = 200,		/* ms for the members to count up */
};

struct probe {
	struct pace pace;		/* first */
	struct desk desk;
	const struct settings *settings;
	struct probe_plan plan;
	struct tally tally;
	struct identify *who;
	struct identified group;
	struct roll roll;
	struct expect expect;
	struct probe_what_if what_if;
	char host[HOST_NAME_MAX + 1];
	struct addr fallback;		/* the first address */
	struct timer progress;
	bool shown;			/* a line of progress */
	char notes[NOTES][NOTE_TEXT];
	const char *note[NOTES + 1];
	int note_count;
};

static void note(struct probe *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
note(struct probe *v, const char *format, ...)
{
	va_list args;

	if (v->note_count == NOTES)
		return;
	va_start(args, format);
	vsnprintf(v->notes[v->note_count], NOTE_TEXT, format, args);
	va_end(args);
	v->note[v->note_count] = v->notes[v->note_count];
	v->note_count++;
}

static const char *
protocol(const struct settings *s, const struct plan *p)
{
	if (p->local)
		return s->udp ? "unix datagram" : "unix";
	return s->udp ? "udp" : "tcp";
}

/* The line of progress on a terminal, which the next output replaces. */
static void
progress_clear(struct probe *v)
{
	if (v->shown)
		sink_write(&v->desk.err, "\r\033[K", 4);
	v->shown = false;
}

static void
on_progress(struct timer *t)
{
	struct probe *v = (struct probe *)((char *)t -
	    offsetof(struct probe, progress));
	const struct tally *y = &v->tally;
	char line[160], of[32] = "";
	int n;

	if (v->plan.plan.count)
		snprintf(of, sizeof(of), " of %llu",
		    (unsigned long long)v->plan.plan.count);
	n = snprintf(line, sizeof(line), "\r\033[K%llu%s, %d in flight, "
	    "%llu failed", (unsigned long long)y->attempts, of,
	    v->pace.in_flight,
	    (unsigned long long)(y->attempts - y->out[OUT_OK]));
	sink_write(&v->desk.err, line, (size_t)n);
	v->shown = true;
	loop_timer_set(&v->desk.loop, t, loop_now() + PROGRESS_US);
}

static void
progress_start(struct probe *v)
{
	v->progress.on_timer = on_progress;
	if (isatty(STDERR_FILENO) && !v->settings->quiet)
		loop_timer_set(&v->desk.loop, &v->progress,
		    loop_now() + PROGRESS_US);
}

static void
on_done(struct pace *p)
{
	struct probe *v = p->user;

	loop_stop(&v->desk.loop);
}

static void
on_skip(struct pace *p, const struct addr *a, int error)
{
	struct probe *v = p->user;
	char text[ADDR_TEXT], line[ADDR_TEXT + 80];

	if (!v->settings->verbose)
		return;
	snprintf(line, sizeof(line), "%s: %s; trying the next address",
	    addr_text(a, text), strerror(error));
	progress_clear(v);
	desk_notice(&v->desk, line);
}

/* Whether this host's kernel can be asked about the address. */
static bool
is_askable(struct probe *v, const struct addr *a)
{
	enum by by = v->plan.plan.by;

	if (by != BY_AUTO && by != BY_DIAG)
		return false;
	if (!identify_is_local(a))
		return false;
	if (!v->who)
		v->who = identify_new(&v->tally, &v->plan.plan);
	return v->who && identify_aim(v->who, a) >= 0;
}

static void
on_aim(struct pace *p, const struct addr *a)
{
	struct probe *v = p->user;
	struct ground *g = &p->ground;
	bool askable = is_askable(v, a);
	char text[ADDR_TEXT];

	g->target = *a;
	g->who = askable ? v->who : NULL;
	g->by = v->plan.plan.by;
	if (g->by == BY_AUTO && v->roll.counts)
		g->by = BY_BOARD;
	if (g->by == BY_AUTO && v->plan.plan.datagram)
		g->by = askable ? BY_DIAG : BY_NONE;
	if (g->by == BY_BOARD)
		g->who = NULL;
	if (g->by != BY_DIAG || askable)
		return;
	if (!identify_is_local(a))
		fail_as(STATUS_USAGE, "--by diag asks this host's kernel, "
		    "and %s is another host", addr_text(a, text));
	desk_fatal(&v->desk);
	p->stopping = true;
}

/* The second signal is not waited for. */
static void
on_signal(struct desk *d, const struct signalfd_siginfo *info)
{
	struct probe *v = d->user;
	int number = (int)info->ssi_signo;

	if (number == SIGCHLD)
		return;
	progress_clear(v);
	if (d->ended_by)
		signal_again(number);
	d->ended_by = number;
	pace_stop(&v->pace);
}

/* IPv4 first where no host was named, as listen shows its addresses. */
static void
put_ipv4_first(struct addr_list *list)
{
	struct addr_list all = *list;

	list->count = 0;
	for (int v6 = 0; v6 <= 1; v6++)
		for (int i = 0; i < all.count; i++)
			if ((all.at[i].sa.sa_family == AF_INET6) == v6)
				list->at[list->count++] = all.at[i];
}

static int
resolve(struct probe *v, const struct endpoint *e)
{
	const struct settings *s = v->settings;
	struct addr_list *list = &v->pace.addresses, source;

	if (settings_source(s, &source) < 0 ||
	    sources_take(&v->plan.sources, &source) < 0 ||
	    addr_resolve(e, loop_now() + s->connect_timeout, list) < 0)
		return -1;
	if (!e->local && !e->host[0])
		put_ipv4_first(list);
	v->fallback = list->at[0];
	return 0;
}

/* The board has names; it counts too where nothing else can. */
static int
open_roll(struct probe *v, const struct endpoint *e)
{
	struct plan *p = &v->plan.plan;
	int members = roll_open(&v->roll, p->datagram, e->local ? 0 :
	    e->port);

	if (p->by == BY_BOARD && members < 0)
		return -1;
	if (p->by == BY_BOARD && members == 0)
		return fail_as(STATUS_NETWORK, "--by board: no member of port "
		    "%u is rpnc's", e->port);
	if (p->by == BY_BOARD || (p->by == BY_AUTO && p->datagram &&
	    members > 0))
		roll_begin(&v->roll, &v->tally);
	return 0;
}

/* Members count a connection when they accept it, maybe after its end. */
static void
await_counts(struct probe *v)
{
	const struct timespec tick = { .tv_nsec = 1000 * 1000 };

	for (int i = 0; i < BOARD_TRIES &&
	    roll_sum(&v->roll) < v->tally.out[OUT_OK]; i++)
		nanosleep(&tick, NULL);
}

static void
note_group(struct probe *v)
{
	const struct identified *g = &v->group;
	struct passwd *user = g->hidden ? getpwuid(g->uid) : NULL;

	if (g->hidden)
		note(v, "processes of %s (uid %u) can't be seen: %s",
		    user ? user->pw_name : "another user", (unsigned)g->uid,
		    geteuid() ? "be that user, or root" : "are they in "
		    "another PID namespace?");
	if (g->mistaken)
		note(v, "%llu predictions were wrong, so none is used: does a "
		    "program steer the group?",
		    (unsigned long long)g->mistaken);
	if (g->shared)
		note(v, "several processes share one socket: they compete for "
		    "connections, no hash deals them out");
	if (g->changed)
		note(v, "members came or went meanwhile");
}

/* Whom the rows are, by how they were made. */
static enum knowledge
conclude(struct probe *v, bool *changed)
{
	struct ground *g = &v->pace.ground;
	enum knowledge known = KNOW_SOME;

	if (g->by == BY_AUTO && g->who)
		g->by = BY_DIAG;
	if (g->by == BY_DIAG) {
		v->group = identify_end(v->who);
		*changed = v->group.changed;
		known = v->group.known ? KNOW_ALL : v->group.hidden ?
		    KNOW_NOTHING : KNOW_SOME;
		note_group(v);
	} else if (g->by == BY_BOARD) {
		await_counts(v);
		*changed = roll_end(&v->roll, &v->tally);
		known = KNOW_ALL;
		note(v, "counts are the members' own: others' traffic is in "
		    "them");
	} else if (g->by == BY_NONE || g->by == BY_AUTO) {
		known = KNOW_NOTHING;
	}
	if (g->by == BY_DIAG)
		roll_name(&v->roll, &v->tally);
	return known;
}

/* What is not known is said, and is no fault of the probe. */
static const struct probe_what_if *
what_if(struct probe *v, enum knowledge known)
{
	const char *change = v->settings->what_if;

	if (!change)
		return NULL;
	if (known != KNOW_ALL || v->plan.plan.datagram)
		note(v, "--what-if: this needs to know the whole group, and "
		    "connections");
	else if (whatif_make(&v->what_if, &v->tally, change) < 0)
		note(v, "%s", fail_text());
	else
		return &v->what_if;
	return NULL;
}

static bool
is_steered(struct probe *v)
{
	if (!v->expect.steering[0])
		return false;
	note(v, "--what-if is about the kernel's hash, and %.40s steers",
	    v->expect.steering);
	return true;
}

static int
expect(struct probe *v, enum knowledge *known, bool *changed)
{
	const struct ground *g = &v->pace.ground;
	struct expect *x = &v->expect;

	x->given = v->plan.weights;
	x->local = g->target.len && identify_is_local(&g->target);
	x->weighed = g->by == BY_DIAG || g->by == BY_BOARD;
	if (expect_apply(x, &v->roll, &v->tally, known, changed) < 0)
		return -1;
	if (x->note[0])
		note(v, "%s", x->note);
	return 0;
}

static void
note_rest(struct probe *v)
{
	const struct tally *t = &v->tally;
	const struct plan *p = &v->plan.plan;

	if (t->out[OUT_OTHER] && t->other_error == EADDRNOTAVAIL)
		note(v, "source ports ran out: each is kept for 60 s after a "
		    "connection (TIME_WAIT). Try %s",
		    p->sources->first ? "more of them: --sport" :
		    "--sources, such as 127.0.0.0/24 on this host");
	if (v->pace.ground.by == BY_NONE && !p->datagram && t->out[OUT_OK])
		note(v, "who answered can't be told: %s, and it sends no "
		    "banner (see --by)", p->local ? "a Unix socket" :
		    "not a server on this host");
	if (p->give_up && t->attempts < p->count && !v->desk.ended_by &&
	    t->out[OUT_TIMEOUT] == t->attempts)
		note(v, "stopped: nobody answered at all");
}

static int
tell_report(struct probe *v, struct summary *s)
{
	static const char *const by[] = {
		[BY_DIAG] = "diag", [BY_BANNER] = "banner",
		[BY_REPLY] = "reply", [BY_BOARD] = "board",
		[BY_NONE] = NULL,
	};
	const struct pace *p = &v->pace;
	struct probe_report *r = &s->report;
	struct event e = { .kind = EVENT_PROBE, .probe = r };
	enum knowledge known;
	const struct probe_what_if *moving;
	bool changed = false;

	known = conclude(v, &changed);
	moving = what_if(v, known);	/* rows have their sockets for weight */
	if (expect(v, &known, &changed) < 0)
		return -1;
	note_rest(v);
	if (summary_make(s, &v->tally, known, changed) < 0)
		return -1;
	r->what_if = moving && !is_steered(v) ? moving : NULL;
	s->target.address = p->ground.target.len ? &p->ground.target :
	    &v->fallback;
	s->target.protocol = protocol(v->settings, p->plan);
	r->command = "probe";
	r->reports = 1;
	if (gethostname(v->host, sizeof(v->host)) == 0)
		r->host = v->host;
	r->by = by[p->ground.by];
	r->loop = p->plan->rate ? "open" : "closed";
	r->seconds = (double)(p->last - p->started) / 1e9;
	r->concurrency = p->plan->concurrency;
	r->rate = p->plan->rate;
	r->steering = v->expect.steering[0] ? v->expect.steering : NULL;
	r->detail = v->settings->verbose;
	r->notes = v->note;
	desk_tell(&v->desk, &e);
	return probe_metrics(v->settings, r);
}

static int
probe_open(struct probe *v, const struct endpoint *e)
{
	v->pace.plan = &v->plan.plan;
	v->pace.clock.fd = -1;
	v->pace.ground.tally = &v->tally;
	v->pace.on_aim = on_aim;
	v->pace.on_skip = on_skip;
	v->pace.on_done = on_done;
	v->pace.user = v;
	if (resolve(v, e) < 0 || open_roll(v, e) < 0 ||
	    desk_open(&v->desk, v->settings) < 0)
		return -1;
	v->desk.on_signal = on_signal;
	v->desk.user = v;
	return 0;
}

static void
probe_run(struct probe *v)
{
	struct summary s = { 0 };

	if (probe_plan_fit(&v->desk, &v->plan.plan.concurrency) < 0 ||
	    pace_open(&v->pace, &v->desk.loop) < 0) {
		desk_fault(&v->desk);
		return;
	}
	progress_start(v);
	v->desk.loop.busy = v->settings->busy;
	if (loop_run(&v->desk.loop) < 0)
		desk_fault(&v->desk);
	progress_clear(v);
	if (v->desk.status == STATUS_OK && tell_report(v, &s) < 0)
		desk_fault(&v->desk);
	if (v->desk.status == STATUS_OK)
		v->desk.status = probe_verdict(v->settings, &v->tally, &s,
		    v->plan.uneven);
	summary_free(&s);
	pace_close(&v->pace);
}

static int
run(struct settings *s, int count, char *const *words, int *ended_by)
{
	struct probe v = { .settings = s };
	struct endpoint e;
	int status = -1;

	if (s->merge)
		return probe_merge(s, count, words, ended_by);
	if (probe_scan_wanted(count, words))
		return probe_scan(s, count, words, ended_by);
	if (settings_endpoint(s, count, words, &e) < 0)
		return -1;
	if (s->group || s->watch)
		return probe_group(s, &e, ended_by);
	if (probe_plan_make(&v.plan, s, &e) < 0)
		return -1;
	if (probe_open(&v, &e) == 0) {
		probe_run(&v);
		*ended_by = v.desk.ended_by;
		status = desk_close(&v.desk);
	}
	identify_free(v.who);
	roll_close(&v.roll);
	tally_free(&v.tally);
	probe_plan_free(&v.plan);
	return status;
}

const struct command probe_command = {
	.name = "probe",
	.synopsis = "probe [options] [host] port",
	.summary = "who answers here, how fast, how evenly",
	.tables = { probe_options, address_options, stream_options, NULL },
	.run = run,
};
