/*
 * rpnc probe --during: attempts before, while and after a command runs
 * (ops/during.c has the states), then a report of what was lost. The exit
 * status is the command's failure, or the report's.
 *
 * A first signal ends the command (during_cut()), then the attempts; a second
 * one ends this process at once.
 */
#include "cmd/probe_during.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/emit.h"
#include "base/container.h"
#include "base/signals.h"
#include "cmd/probe_at.h"
#include "cmd/probe_confine.h"
#include "cmd/probe_files.h"
#include "cmd/probe_hdr_log.h"
#include "cmd/probe_merge.h"
#include "cmd/probe_plan.h"
#include "ops/during.h"
#include "probe/load/result.h"

enum {
	/*
	 * An address has 28,000 ports, and TIME_WAIT keeps each for a minute:
	 * enough for 470 connections a second.
	 */
	RATE = 400,
	CONCURRENCY_MAX = 20000,
	LEAD_US = 250 * 1000,
	TAIL_US = 1000 * 1000,
	TIMEOUT_US = 5 * 1000 * 1000,
	SLOW_US = 500 * 1000,
};

struct trial {
	struct during during;
	struct app app;
	const struct settings *settings;
	struct probe_plan plan;
	struct probe_hdr_log log;
};

static struct trial *
trial_of(struct load *l)
{
	return container_of(l, struct trial, during.load);
}

static void
on_done(struct load *l)
{
	loop_stop(&trial_of(l)->app.loop);
}

static void
on_fault(struct load *l)
{
	app_fatal(&trial_of(l)->app);
}

static void
on_attempt(struct during *d, const struct attempt_result *result)
{
	probe_hdr_log_add(&container_of(d, struct trial, during)->log, result);
}

static void
on_command_fault(struct during *d)
{
	app_fatal(&container_of(d, struct trial, during)->app);
}

/*
 * The terminal sends its signals (SI_KERNEL) to the command as well; any other
 * signal is passed on to it.
 */
static void
on_signal(struct app *a, const struct signalfd_siginfo *info)
{
	struct trial *t = container_of(a, struct trial, app);
	int number = (int)info->ssi_signo;

	if (number == SIGCHLD) {
		during_reap(&t->during);
		return;
	}
	during_cut(&t->during, number, info->ssi_code != SI_KERNEL);
	if (a->ended_by)
		signals_end_by(number);
	a->ended_by = number;
}

/* Enough for all attempts that are open if the server is stuck. */
static int
plan_concurrency(const struct settings *s, const struct plan *p)
{
	uint64_t flows = sources_flows(p->sources);
	double most = p->rate * (double)(p->timeout + p->hold) / 1e6;
	int n = most < 1 ? 1 : most > CONCURRENCY_MAX ? CONCURRENCY_MAX :
	    (int)most;

	if (opt_has(&s->given, "concurrency"))
		n = (int)s->concurrency;
	return flows && flows < (uint64_t)n ? (int)flows : n;
}

static int
plan_make(struct trial *t, const struct endpoint *e)
{
	const struct settings *s = t->settings;
	struct plan *p = &t->plan.plan;

	if (s->hold && !s->echo && !s->send)
		return fail_as(STATUS_USAGE, "--hold waits before it sends: "
		    "say what, by --echo or --send");
	if (probe_plan_make(&t->plan, s, e) < 0)
		return -1;
	p->count = 0;
	p->duration = 0;
	p->losses = true;
	p->hold = s->hold;
	p->skip = SKIP_ABSENT;
	p->give_up = false;
	if (!s->rate)
		p->rate = RATE;
	if (!s->probe_timeout)
		p->timeout = TIMEOUT_US;
	p->patience = p->timeout;
	p->concurrency = plan_concurrency(s, p);
	return 0;
}

static int
trial_open(struct trial *t, const struct endpoint *e)
{
	struct during *d = &t->during;
	const struct settings *s = t->settings;

	d->load.on_fault = on_fault;
	d->load.on_done = on_done;
	d->on_command_fault = on_command_fault;
	d->on_attempt = on_attempt;
	d->lead = LEAD_US;
	d->tail = s->duration ? s->duration : TAIL_US;
	d->line.hold_ns = s->hold * 1000;
	d->line.slow_ns = (s->slow ? s->slow : SLOW_US) * 1000;
	if (getrlimit(RLIMIT_NOFILE, &d->files) < 0)
		return fail("descriptors");
	if (probe_source(&t->plan.sources, s) < 0 ||
	    probe_hdr_log_open(&t->log, s) < 0 ||
	    load_open(&d->load, &t->plan.plan, e) < 0 ||
	    app_open(&t->app, s) < 0)
		return -1;
	t->app.on_signal = on_signal;
	return 0;
}

/* If the signal that ended us ended the command, too, it has not failed. */
static void
judge_command(struct trial *t, const struct probe_during *d)
{
	if (d->status > 0)
		fail_as(STATUS_NETWORK, "%.200s: exit status %d",
		    t->during.argv[0], (int)d->status);
	else if (d->signal > 0 && d->signal != t->app.ended_by)
		fail_as(STATUS_NETWORK, "%.200s: killed by signal %d (%s)",
		    t->during.argv[0], (int)d->signal,
		    strsignal((int)d->signal));
	else
		return;
	app_fault(&t->app);
}

static void
trial_judge(struct trial *t, struct result *r, const struct probe_during *d)
{
	struct tally tried = t->during.load.tally;
	enum status verdict;

	/* those that were not tried count only if there are no others */
	if (tried.attempts > d->untried)
		tried.attempts -= d->untried;
	verdict = probe_verdict(t->settings, &tried, &r->verdict, 0,
	    t->plan.fail_flags);
	judge_command(t, d);
	if (t->app.ended_by)
		return;
	if ((d->lost && t->settings->fail_lost) || during_gap_is_over(d))
		verdict = STATUS_EXPECT;
	if (verdict != STATUS_OK)
		t->app.status = verdict;
}

static int
trial_report(struct trial *t, struct probe_during *d, char **text)
{
	if (during_report(&t->during, d, text) < 0)
		return -1;
	d->max_gap = t->settings->max_gap ?
	    (double)t->settings->max_gap / 1e6 : NAN;
	return 0;
}

static void
trial_emit(struct trial *t)
{
	struct result result = { .cut_short = t->app.ended_by != 0 };
	struct probe_report *r = &result.verdict.report;
	struct event e = { .kind = EVENT_PROBE, .probe = r };
	struct probe_during d;
	char *text = NULL;

	if (result_make(&result, &t->during.load) < 0 ||
	    trial_report(t, &d, &text) < 0 ||
	    result_during(&result, &d) < 0) {
		app_fault(&t->app);
	} else {
		r->detail = t->settings->verbose;
		r->labels = &t->settings->labels;
		emit_event(&t->app, &e);
		if (probe_files(t->settings, r) < 0)
			app_fault(&t->app);
		else
			trial_judge(t, &result, &d);
	}
	free(text);
	result_free(&result);
}

static void
trial_run(struct trial *t)
{
	struct app *a = &t->app;
	int waited = probe_at_wait(a);

	if (waited < 0)
		app_fault(a);
	if (waited)
		return;
	a->loop.busy = t->settings->busy;
	if (probe_plan_fit(a, &t->plan.plan.concurrency) < 0 ||
	    probe_hdr_log_start(&t->log, &a->loop) < 0 ||
	    during_start(&t->during, &a->loop) < 0 ||
	    probe_confine(a, KEEPS_CHILDREN) < 0 || loop_run(&a->loop) < 0)
		app_fault(a);
	if (a->ended_by)
		signals_hurry();
	if (a->status == STATUS_OK)
		trial_emit(t);
	if (probe_hdr_log_end(&t->log) < 0)
		app_fault(a);
}

/* Sets *count to the number of words before "--"; -1: no command. */
static int
split_words(const struct settings *s, int *count)
{
	int behind = s->given.behind < *count ? s->given.behind : *count;

	if (behind <= 0)
		return fail_as(STATUS_USAGE, "--during: which command? 'rpnc "
		    "probe --during [host] port -- COMMAND'");
	*count -= behind;
	return 0;
}

int
probe_during(const struct settings *s, int count, char *const *words,
    int *ended_by)
{
	struct trial t = { .settings = s };
	struct endpoint e;
	int status = -1;

	if (split_words(s, &count) < 0 ||
	    settings_endpoint(s, count, words, &e) < 0)
		return -1;
	t.during.argv = words + count;
	if (plan_make(&t, &e) < 0)
		return -1;
	if (trial_open(&t, &e) < 0) {
		during_close(&t.during);
	} else {
		trial_run(&t);
		during_close(&t.during);
		*ended_by = t.app.ended_by;
		status = app_close(&t.app);
	}
	probe_hdr_log_close(&t.log);
	probe_plan_free(&t.plan);
	return status;
}
