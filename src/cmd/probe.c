/*
 * rpnc probe: who answers on a port, how fast, and how evenly. The other modes
 * have files of their own; probe_run() passes to them.
 *
 *	starting	the options become a plan; the load opens by it
 *	running		the load makes attempts; a line shows the progress, or
 *			--watch a table. It ends by on_done(), by a fault, or
 *			by a signal: load_stop() awaits what is in flight
 *	reporting	the results become a report and the exit status
 *
 * A second signal ends the process at once, without a report.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "app/emit.h"
#include "base/container.h"
#include "base/fail.h"
#include "base/signals.h"
#include "cmd/command.h"
#include "cmd/probe_at.h"
#include "cmd/probe_compare.h"
#include "cmd/probe_confine.h"
#include "cmd/probe_during.h"
#include "cmd/probe_files.h"
#include "cmd/probe_group.h"
#include "cmd/probe_hdr_log.h"
#include "cmd/probe_merge.h"
#include "cmd/probe_plan.h"
#include "cmd/probe_quarantine.h"
#include "cmd/probe_scan.h"
#include "cmd/probe_watch.h"
#include "cmd/sockopt_options.h"
#include "probe/load/reach_result.h"
#include "probe/load/result.h"

enum {
	PROGRESS_US = 100 * 1000,
	FLUSH_MS = 100,
};

struct probe {
	struct load load;
	struct app app;
	const struct settings *settings;
	struct probe_plan plan;
	struct probe_watch watch;
	struct probe_hdr_log log;
	struct timer progress;
	bool shown;			/* a line of progress is on stderr */
};

/* Removes the line of progress, before other output. */
static void
progress_clear(struct probe *v)
{
	if (v->shown)
		sink_write(&v->app.err, "\r\033[K", 4);
	v->shown = false;
}

static void
on_progress(struct timer *t)
{
	struct probe *v = container_of(t, struct probe, progress);
	const struct tally *y = &v->load.tally;
	char line[160], of[32] = "";
	int n;

	if (v->plan.plan.count)
		snprintf(of, sizeof(of), " of %llu",
		    (unsigned long long)v->plan.plan.count);
	n = snprintf(line, sizeof(line), "\r\033[K%llu%s, %d in flight, "
	    "%llu failed", (unsigned long long)y->attempts, of,
	    v->load.in_flight,
	    (unsigned long long)(y->attempts - y->out[OUT_OK]));
	sink_write(&v->app.err, line, (size_t)n);
	v->shown = true;
	loop_timer_set(&v->app.loop, t, loop_now() + PROGRESS_US);
}

static void
progress_start(struct probe *v)
{
	v->progress.on_timer = on_progress;
	if (isatty(STDERR_FILENO) && !v->settings->quiet)
		loop_timer_set(&v->app.loop, &v->progress,
		    loop_now() + PROGRESS_US);
}

static void
on_done(struct load *l)
{
	struct probe *v = container_of(l, struct probe, load);

	loop_stop(&v->app.loop);
}

static void
on_fault(struct load *l)
{
	struct probe *v = container_of(l, struct probe, load);

	app_fatal(&v->app);
}

static void
on_result(struct load *l, const struct attempt_result *result)
{
	struct probe *v = container_of(l, struct probe, load);

	if (v->settings->watch)
		watch_count(&v->watch.watch, result);
	probe_hdr_log_add(&v->log, result);
}

static void
on_skip(struct load *l, const char *address, const char *why)
{
	struct probe *v = container_of(l, struct probe, load);
	char line[ADDR_TEXT + TALLY_REASON + 40];

	if (!v->settings->verbose)
		return;
	snprintf(line, sizeof(line), "%s: %s; trying the next address",
	    address, why);
	progress_clear(v);
	emit_notice(&v->app, line);
}

/* The first signal ends the load, a second one the process. */
static void
on_signal(struct app *a, const struct signalfd_siginfo *info)
{
	struct probe *v = container_of(a, struct probe, app);
	int number = (int)info->ssi_signo;

	if (number == SIGCHLD || probe_watch_signal(&v->watch, info))
		return;
	progress_clear(v);
	if (a->ended_by) {
		probe_watch_close(&v->watch);
		sink_flush(&a->out, FLUSH_MS, -1);
		signals_end_by(number);
	}
	a->ended_by = number;
	load_stop(&v->load);
}

/* With --each, one socket that did not answer is a failure of some. */
static enum status
report_status(const struct probe *v, const struct result *r)
{
	enum status status = probe_verdict(v->settings, &v->load.tally,
	    &r->verdict, v->plan.uneven, v->plan.fail_flags);

	if (v->settings->each && r->reach.socket_count &&
	    (status == STATUS_OK || status == STATUS_TIMEOUT))
		return reach_result_is_whole(&r->reach) ? STATUS_OK :
		    STATUS_SOME;
	if (v->load.reach.over && status == STATUS_OK)
		return STATUS_SOME;
	return status;
}

static void
report_emit(struct probe *v)
{
	struct result r = {
		.weights = v->plan.weights, .change = v->settings->what_if,
		.cut_short = v->app.ended_by != 0,
	};
	struct event e = { .kind = EVENT_PROBE, .probe = &r.verdict.report };

	if (result_make(&r, &v->load) < 0) {
		app_fault(&v->app);
	} else {
		r.verdict.report.detail = v->settings->verbose;
		r.verdict.report.labels = &v->settings->labels;
		emit_event(&v->app, &e);
		if (probe_files(v->settings, &r.verdict.report) < 0)
			app_fault(&v->app);
		else if (v->app.status == STATUS_OK && !v->app.ended_by)
			v->app.status = report_status(v, &r);
	}
	result_free(&r);
}

static int
attempts_open(struct probe *v, const struct endpoint *e)
{
	v->load.on_skip = on_skip;
	v->load.on_fault = on_fault;
	v->load.on_done = on_done;
	v->load.on_result = on_result;
	if (probe_source(&v->plan.sources, v->settings) < 0 ||
	    probe_hdr_log_open(&v->log, v->settings) < 0 ||
	    load_open(&v->load, &v->plan.plan, e) < 0 ||
	    app_open(&v->app, v->settings) < 0)
		return -1;
	v->app.on_signal = on_signal;
	return 0;
}

static void
attempts_run(struct probe *v)
{
	int waited = probe_at_wait(&v->app);

	if (waited < 0)
		app_fault(&v->app);
	if (waited)
		return;
	if (probe_plan_fit(&v->app, &v->plan.plan.concurrency) < 0 ||
	    probe_hdr_log_start(&v->log, &v->app.loop) < 0 ||
	    load_start(&v->load, &v->app.loop) < 0) {
		app_fault(&v->app);
		return;
	}
	v->app.loop.busy = v->settings->busy;
	if (!v->settings->watch)
		progress_start(v);
	else if (probe_watch_open(&v->watch, &v->app, &v->load,
	    &v->plan.weights) < 0)
		app_fatal(&v->app);
	if (probe_confine(&v->app, 0) < 0 || loop_run(&v->app.loop) < 0)
		app_fault(&v->app);
	progress_clear(v);
	probe_watch_close(&v->watch);
	if (v->app.ended_by)
		signals_hurry();
	if (v->app.status == STATUS_OK)
		report_emit(v);
	if (probe_hdr_log_end(&v->log) < 0)
		app_fault(&v->app);
}

/* The other modes; the first one that is asked for counts. */
static const struct {
	const char *option;		/* NULL: several ports */
	enum probe_mode mode;
	const char *what;
} modes[] = {
	{ "compare", PROBE_COMPARE,
	    "--compare, which has servers and a load of its own" },
	{ "during", PROBE_DURING, "--during" },
	{ "merge", PROBE_MERGE, "--merge, which only reads reports" },
	{ NULL, PROBE_SCAN,
	    "several ports, which are connected to once each" },
	{ "group", PROBE_GROUP, "--group, which connects to nothing" },
	{ "rescue", PROBE_QUARANTINE, "--rescue" },
	{ "quarantine", PROBE_QUARANTINE,
	    "--quarantine, which connects to nothing" },
};

static unsigned
find_mode(const struct settings *s, int count, char *const *words,
    const char **what)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (modes[i].option ? opt_has(&s->given, modes[i].option) :
		    probe_scan_wanted(count, words)) {
			*what = modes[i].what;
			return modes[i].mode;
		}
	return PROBE_ONCE;
}

/* After a wrong address: a command behind "--" may be the cause. Returns -1. */
static int
check_command(const struct settings *s, int count, char *const *words)
{
	int behind = s->given.behind;

	if (behind <= 0 || behind >= count)
		return -1;
	return fail_as(STATUS_USAGE, "-- %.64s: a command goes with --during",
	    words[count - behind]);
}

static int
probe_run(struct settings *s, int count, char *const *words, int *ended_by)
{
	struct probe v = { .settings = s };
	struct endpoint e;
	int status = -1;

	if (s->compare)
		return probe_compare(s, count, ended_by);
	if (probe_files_check(s, count, words) < 0 || probe_at_check(s) < 0)
		return -1;
	if (s->during)
		return probe_during(s, count, words, ended_by);
	if (s->merge)
		return probe_merge(s, count, words, ended_by);
	if (probe_scan_wanted(count, words))
		return probe_scan(s, count, words, ended_by);
	if (settings_endpoint(s, count, words, &e) < 0)
		return check_command(s, count, words);
	if (s->group)
		return probe_group(s, &e, ended_by);
	if (s->quarantine || s->rescue)
		return probe_quarantine(s, &e, ended_by);
	v.watch.interval = s->watch ? settings_interval(s) : 0;
	if (v.watch.interval < 0)
		return -1;
	if (probe_plan_make(&v.plan, s, &e) < 0)
		return -1;
	if (attempts_open(&v, &e) < 0) {
		load_close(&v.load);
	} else {
		sockopt_options_emit(&v.app, &e);
		attempts_run(&v);
		load_close(&v.load);
		*ended_by = v.app.ended_by;
		status = app_close(&v.app);
	}
	probe_hdr_log_close(&v.log);
	probe_plan_free(&v.plan);
	return status;
}

const struct command probe_command = {
	.name = "probe",
	.synopsis = "probe [options] [host] port [-- command]",
	.summary = "show who answers, how fast, how evenly; or which of 20-25,80 "
	    "are open",
	.tables = { probe_options, tls_probe_options, address_options,
	    output_options, NULL },
	.mode = find_mode,
	.modes = PROBE_MODES,
	.host = WORDS_HOST,
	.program = true,
	.run = probe_run,
};
