/*
 * rpnc probe --compare: echo's accept models, each under the same load.
 *
 * Each model has two servers, and one of them stalls. All servers start first,
 * and sleep until it is their turn. on_next() moves from one state to the next
 * when the load is done:
 *
 *	calibrating	short loads on two models set the rate of the open
 *			loop, and tell how long it will take
 *	COMPARE_IDLE	one connection at a time, with pauses
 *	COMPARE_BUSY	a closed loop
 *	COMPARE_STALL	an open loop at the stalling server, so that the time
 *			counts for which a stall delays each connection
 *
 * A round takes every model through the three phases; the order of the models
 * differs from round to round. After COMPARE_ROUNDS rounds, long connections come
 * one after the other to reuseport, by the hash and by --steer least, and the
 * loop ends.
 */
#include "cmd/probe_compare.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "app/emit.h"
#include "base/container.h"
#include "base/fail.h"
#include "base/num.h"
#include "cmd/probe_confine.h"
#include "cmd/probe_plan.h"
#include "net/sources.h"
#include "ops/compare_results.h"
#include "ops/test_server.h"
#include "probe/load/load.h"
#include "serve/workload.h"
#include "terminal/columns.h"

enum {
	WORKERS = 4, WORKERS_MOST = 32,	/* workers of a server */
	COUNT = 400, COUNT_MOST = 100000,
	DURATION_US = 14 * 1000 * 1000,
	CALIBRATE_US = 100 * 1000, CALIBRATE_COUNT = 20,
	PAUSE_US = 1000,
	WORK_US = 50,
	MOST_US = 1000 * 1000,		/* for --work and --stall */
	RATE_LEAST = 10, RATE_MOST = 2000,
	ROOM_LEFT = 60,			/* columns, for the time left */
	LONG_EACH = 4,			/* connections for each worker */
	LONG_MOST = 64,
	LONG_RATE_HASH = 200,		/* a second */
	LONG_RATE_LEAST = 14,		/* least.h follows 15 */
	IN_FLIGHT = 2000,		/* most attempts of the open loop */
	TIMEOUT_US = 10 * 1000 * 1000,
};

#define STALL "20ms"
#define STALL_EVERY ":200"

/* The first model, and fork, which is the slowest. */
enum { FAST_BUSY, SLOW_BUSY, FAST_IDLE, SLOW_IDLE, CALIBRATIONS };

static const struct { int model; enum compare_phase phase; } calibrations[] = {
	[FAST_BUSY] = { 0, COMPARE_BUSY },
	[SLOW_BUSY] = { COMPARE_FORK, COMPARE_BUSY },
	[FAST_IDLE] = { 0, COMPARE_IDLE },
	[SLOW_IDLE] = { COMPARE_FORK, COMPARE_IDLE },
};

struct compare {
	struct app app;
	const struct settings *settings;
	int workers;
	int64_t work;
	struct workload stall;
	struct test_server servers[COMPARE_MODELS][2];	/* [1] stalls */
	struct test_server least;	/* reuseport with --steer least */
	struct plan plans[COMPARE_PHASES], long_plans[LONGS];
	int longs;			/* of LONGS, that are done */
	struct sources sources;
	struct load load;
	bool running, shown;
	int calibrated;			/* of CALIBRATIONS */
	double measured[CALIBRATIONS];	/* seconds a request */
	uint64_t idle_count;
	int step;			/* in this round: model and phase */
	int64_t began;
	double expected;		/* seconds in all */
	double timed;			/* us: a model's BUSY and STALL */
	double idle;			/* seconds of all COMPARE_IDLE */
	double cpu;			/* seconds, before the phase */
	struct timer next;
	struct compare_results results;
};

static struct compare *
compare_of(struct timer *t)
{
	return container_of(t, struct compare, next);
}

static void
compare_progress_clear(struct compare *c)
{
	if (c->shown)
		sink_write(&c->app.err, "\r\033[K", 4);
	c->shown = false;
}

static void
compare_progress(struct compare *c, int model, enum compare_phase phase)
{
	static const char *const phases[] = { "alone", "busy", "stalling" };
	char line[120], time[NUM_TEXT];
	double left;
	int n;

	if (!isatty(STDERR_FILENO) || c->settings->quiet ||
	    c->calibrated < CALIBRATIONS)
		return;
	left = c->expected - (double)(loop_now() - c->began) / 1e6;
	n = snprintf(line, sizeof(line), "\r\033[Kround %d of %d: %s, %s",
	    c->results.rounds + 1, COMPARE_ROUNDS, compare_models[model],
	    phases[phase]);
	if (left >= 1 && terminal_columns(STDERR_FILENO) > ROOM_LEFT)
		n += snprintf(line + n, sizeof(line) - (size_t)n,
		    "; about %s left", age_text((int64_t)left, time));
	sink_write(&c->app.err, line, (size_t)n);
	c->shown = true;
}

/*
 * The model of a step. Each round starts with another model, and every second
 * round goes backwards, so that no model always follows the same one.
 */
static int
model_of(const struct compare *c, int step)
{
	int round = c->results.rounds, turn = step / COMPARE_PHASES;

	if (round % 2)
		turn = COMPARE_MODELS - 1 - turn;
	return (turn + round) % COMPARE_MODELS;
}

static struct test_server *
phase_server(struct compare *c, int model, enum compare_phase phase)
{
	return &c->servers[model][phase == COMPARE_STALL];
}

static void
compare_fault(struct compare *c)
{
	compare_progress_clear(c);
	app_fatal(&c->app);
}

/* From a timer, because on_next() closes the load that calls this. */
static void
on_done(struct load *l)
{
	struct compare *c = container_of(l, struct compare, load);

	loop_timer_set(&c->app.loop, &c->next, loop_now());
}

static void
on_fault(struct load *l)
{
	compare_fault(container_of(l, struct compare, load));
}

static int
run_begin(struct compare *c, const struct plan *plan,
    const struct test_server *server)
{
	c->load = (struct load){ .on_done = on_done, .on_fault = on_fault };
	c->running = true;
	if (load_open(&c->load, plan, &server->at) < 0 ||
	    load_start(&c->load, &c->app.loop) < 0)
		return -1;
	return 0;
}

static int
phase_begin(struct compare *c, int model, enum compare_phase phase)
{
	struct test_server *server = phase_server(c, model, phase);

	compare_progress(c, model, phase);
	c->cpu = test_server_cpu(server);
	return run_begin(c, &c->plans[phase], server);
}

/* Whether all rounds are complete, and then the long connections. */
static bool
compare_is_over(const struct compare *c)
{
	return c->results.rounds == COMPARE_ROUNDS &&
	    (c->workers < 2 || c->longs == LONGS);
}

static int
long_begin(struct compare *c)
{
	return run_begin(c, &c->long_plans[c->longs], c->longs == LONG_LEAST ?
	    &c->least : &c->servers[COMPARE_REUSEPORT][0]);
}

/* Seconds of all long connections: they come, then are held. */
static double
long_seconds(const struct compare *c)
{
	double seconds = 0;

	for (int i = 0; i < LONGS && c->workers > 1; i++)
		seconds += 2e-6 * (double)c->long_plans[i].hold;
	return seconds;
}

static double
elapsed(const struct load *l)
{
	return (double)(l->ended - l->schedule.started) / 1e9;
}

/* A round's COMPARE_IDLE, which has a count: as measured so far. */
static double
idle_seconds(const struct compare *c)
{
	if (c->results.rounds)
		return c->idle / c->results.rounds;
	return (double)c->idle_count * ((COMPARE_MODELS - 1) *
	    c->measured[FAST_IDLE] + c->measured[SLOW_IDLE]);
}

/*
 * Each round's phases with a duration become longer or shorter, so that the
 * end comes when it was announced, even if the machine gets another load.
 */
static void
durations_fit(struct compare *c)
{
	double left = c->expected - long_seconds(c) -
	    (double)(loop_now() - c->began) / 1e6;
	double each = (left / (COMPARE_ROUNDS - c->results.rounds) -
	    idle_seconds(c)) / COMPARE_MODELS;
	double scale = fmax(1.0 / 3, fmin(2, each * 1e6 / c->timed));

	c->plans[COMPARE_BUSY].duration = (int64_t)(c->timed * scale * 2 / 5);
	c->plans[COMPARE_STALL].duration = (int64_t)(c->timed * scale * 3 / 5);
}

static void
compare_announce(struct compare *c)
{
	char line[120], time[NUM_TEXT];
	int n;

	c->expected = (c->timed * COMPARE_MODELS / 1e6 + idle_seconds(c)) *
	    COMPARE_ROUNDS + long_seconds(c) +
	    (double)(loop_now() - c->began) / 1e6;
	n = snprintf(line, sizeof(line), "%d ways to accept, %d rounds: about "
	    "%s\n", COMPARE_MODELS, COMPARE_ROUNDS,
	    age_text((int64_t)ceil(c->expected), time));
	compare_progress_clear(c);
	if (!c->settings->quiet && !c->settings->json)
		sink_write(&c->app.err, line, (size_t)n);
}

/*
 * A third of the first model's rate leaves room for slower models; more than
 * fork, the slowest, can take would only measure how long its queue becomes.
 */
static void
plans_finish(struct compare *c)
{
	struct plan *stall = &c->plans[COMPARE_STALL];
	double rate = fmin(1 / c->measured[FAST_BUSY] / 3,
	    1 / c->measured[SLOW_BUSY] / 2);

	c->plans[COMPARE_IDLE].count = c->idle_count;
	if (!stall->rate)
		stall->rate = fmax(RATE_LEAST, fmin(RATE_MOST, floor(rate)));
	c->results.rate = stall->rate;
	compare_announce(c);
}

static void
calibrate(struct compare *c)
{
	const struct load *l = &c->load;

	c->measured[c->calibrated] = elapsed(l) /
	    fmax((double)l->tally.out[OUT_OK], 1);
	if (++c->calibrated == CALIBRATIONS)
		plans_finish(c);
}

static void
phase_end(struct compare *c, int model, enum compare_phase phase)
{
	double cpu = test_server_cpu(phase_server(c, model, phase)) - c->cpu;

	if (phase == COMPARE_IDLE)
		c->idle += elapsed(&c->load);
	compare_add(&c->results, model, phase, &c->load.tally,
	    elapsed(&c->load), cpu);
}

/* Takes the result of what has run. */
static void
phase_take(struct compare *c)
{
	if (c->calibrated < CALIBRATIONS) {
		calibrate(c);
		return;
	}
	if (c->results.rounds == COMPARE_ROUNDS) {
		compare_add_long(&c->results, (enum compare_long)c->longs++,
		    &c->load.tally, c->workers);
		return;
	}
	phase_end(c, model_of(c, c->step),
	    (enum compare_phase)(c->step % COMPARE_PHASES));
	if (++c->step == COMPARE_MODELS * COMPARE_PHASES) {
		c->results.rounds++;
		c->step = 0;
	}
}

static int
phase_next(struct compare *c)
{
	if (c->calibrated < CALIBRATIONS)
		return phase_begin(c, calibrations[c->calibrated].model,
		    calibrations[c->calibrated].phase);
	if (c->results.rounds == COMPARE_ROUNDS)
		return long_begin(c);
	if (!c->step)
		durations_fit(c);
	return phase_begin(c, model_of(c, c->step),
	    (enum compare_phase)(c->step % COMPARE_PHASES));
}

static void
on_next(struct timer *t)
{
	struct compare *c = compare_of(t);

	if (c->running && !c->app.ended_by)
		phase_take(c);
	if (c->running)
		load_close(&c->load);
	c->running = false;
	if (c->app.ended_by || compare_is_over(c))
		loop_stop(&c->app.loop);
	else if (phase_next(c) < 0)
		compare_fault(c);
}

/* Reads "20ms", or "20ms:200" like echo's --stall. */
static int
read_stall(struct workload *b, const char *text)
{
	char whole[64];

	if (!text)
		text = STALL;
	snprintf(whole, sizeof(whole), "%.40s%s", text, strchr(text, ':') ?
	    "" : STALL_EVERY);
	return workload_read(b, whole) < 0 ? fail_option("--stall") : 0;
}

static int
read_settings(struct compare *c)
{
	const struct settings *s = c->settings;

	c->workers = s->workers ? settings_workers(s) : WORKERS;
	c->work = s->work >= 0 ? s->work : WORK_US;
	if (c->workers < 0 || read_stall(&c->stall, s->stall) < 0)
		return -1;
	if (c->workers > WORKERS_MOST)
		return fail_as(STATUS_USAGE, "--compare -w %d: want 1 to %d, "
		    "because there are %d servers", c->workers, WORKERS_MOST,
		    COMPARE_MODELS * 2);
	if (c->work > MOST_US || c->stall.stall > MOST_US)
		return fail_as(STATUS_USAGE, "--%s: want at most 1s, such as "
		    "%s", c->work > MOST_US ? "work" : "stall",
		    c->work > MOST_US ? "50us" : "20ms");
	if (s->count > COUNT_MOST)
		return fail_as(STATUS_USAGE, "--compare -n: want at most %d",
		    COUNT_MOST);
	return 0;
}

static int
compare_check(int count)
{
	if (count)
		return fail_as(STATUS_USAGE, "--compare has servers of its "
		    "own: no host and no port");
	return 0;
}

/* Each is held until the last one has come, and so all are open at a time. */
static struct plan
long_plan(struct compare *c, const struct plan *common, int rate)
{
	struct plan p = *common;
	int count = c->workers * LONG_EACH;

	count = count > LONG_MOST ? LONG_MOST : count;
	c->results.long_count = c->workers < 2 ? 0 : (uint64_t)count;
	p.count = (uint64_t)count;
	p.concurrency = count;
	p.rate = rate;
	p.hold = (int64_t)count * 1000 * 1000 / rate;
	return p;
}

static int
compare_plan(struct compare *c)
{
	const struct settings *s = c->settings;
	struct plan common = {
		.by = BY_BANNER, .concurrency = 1, .echo = COMPARE_SIZE,
		.connect_timeout = TIMEOUT_US, .timeout = TIMEOUT_US,
		.patience = TIMEOUT_US, .sources = &c->sources,
	};
	int64_t all = s->duration ? s->duration : DURATION_US;
	int64_t count = s->count ? s->count : COUNT;

	for (int i = 0; i < COMPARE_PHASES; i++)
		c->plans[i] = common;
	c->idle_count = (uint64_t)((count + COMPARE_ROUNDS - 1) /
	    COMPARE_ROUNDS);
	c->plans[COMPARE_IDLE].count = CALIBRATE_COUNT;
	c->plans[COMPARE_IDLE].pause = PAUSE_US;
	c->plans[COMPARE_BUSY].duration = CALIBRATE_US;
	c->plans[COMPARE_BUSY].concurrency = (int)s->concurrency;
	c->plans[COMPARE_STALL].duration = CALIBRATE_US;
	c->timed = (double)all / (COMPARE_ROUNDS * COMPARE_MODELS) + 1;
	c->plans[COMPARE_STALL].concurrency = IN_FLIGHT;
	for (int i = 0; i < LONGS; i++)
		c->long_plans[i] = long_plan(c, &common, i == LONG_LEAST ?
		    LONG_RATE_LEAST : LONG_RATE_HASH);
	/* many addresses, because TIME_WAIT keeps the ports of each one */
	return probe_rate(&c->plans[COMPARE_STALL].rate, s->rate) < 0 ? -1 :
	    sources_read(&c->sources, "127.0.0.0/24");
}

static int
start_one(struct compare *c, int model, bool stalls)
{
	char options[120], stall[60] = "";

	if (stalls)
		snprintf(stall, sizeof(stall), " --stall %lldus:%llu",
		    (long long)c->stall.stall,
		    (unsigned long long)c->stall.every);
	snprintf(options, sizeof(options), "-w %d --accept %s%s --identify "
	    "--work %lldus%s", c->workers, compare_models[model],
	    model == COMPARE_REUSEPORT ? " --leave close" : "",
	    (long long)c->work, stall);
	return test_server_start(&c->servers[model][stalls], options);
}

static int
start_least(struct compare *c)
{
	char options[120];

	snprintf(options, sizeof(options), "-w %d --accept reuseport --steer "
	    "least --leave close --identify", c->workers);
	return test_server_start(&c->least, options);
}

static int
start_all(struct compare *c)
{
	for (int i = 0; i < COMPARE_MODELS; i++)
		for (int stalls = 0; stalls < 2; stalls++)
			if (start_one(c, i, stalls) < 0)
				return -1;
	if (start_least(c) < 0 || test_server_await(&c->least) < 0)
		return -1;
	for (int i = 0; i < COMPARE_MODELS; i++)
		for (int stalls = 0; stalls < 2; stalls++)
			if (test_server_await(&c->servers[i][stalls]) < 0)
				return -1;
	return 0;
}

static void
compare_stop(struct compare *c)
{
	test_servers_stop(&c->servers[0][0], COMPARE_MODELS * 2);
	test_servers_stop(&c->least, 1);
}

static void
compare_emit(struct compare *c)
{
	struct compare_conclusion *told = calloc(1, sizeof(*told));
	struct event e = { .kind = EVENT_COMPARE };

	if (!told) {
		fail("report");
		app_fault(&c->app);
		return;
	}
	told->report = (struct compare_report){
		.workers = c->workers, .concurrency = c->settings->concurrency,
		.work = (double)c->work, .stall = (double)c->stall.stall,
		.every = (int64_t)c->stall.every,
		.detail = c->settings->verbose,
	};
	for (int i = 0; i < COMPARE_MODELS; i++) {
		told->models[i].command = c->servers[i][0].command;
		told->models[i].stalling = c->servers[i][1].command;
	}
	compare_conclude(told, &c->results);
	e.compare = &told->report;
	emit_event(&c->app, &e);
	if (c->app.status == STATUS_OK && c->results.failed)
		c->app.status = STATUS_SOME;
	free(told);
}

static void
compare_run(struct compare *c)
{
	c->next.on_timer = on_next;
	if (probe_plan_fit(&c->app, &c->plans[COMPARE_STALL].concurrency) <
	    0 || probe_plan_fit(&c->app,
	    &c->plans[COMPARE_BUSY].concurrency) < 0) {
		app_fault(&c->app);
		return;
	}
	c->began = loop_now();
	c->app.loop.busy = c->settings->busy;
	loop_timer_set(&c->app.loop, &c->next, c->began);
	if (probe_confine(&c->app, KEEPS_CHILDREN) < 0 ||
	    loop_run(&c->app.loop) < 0)
		app_fault(&c->app);
	compare_progress_clear(c);
	if (c->running)
		load_close(&c->load);
	c->results.seconds = (double)(loop_now() - c->began) / 1e6;
	compare_stop(c);
	if (c->app.status == STATUS_OK)
		compare_emit(c);
}

int
probe_compare(const struct settings *s, int count, int *ended_by)
{
	struct compare *c;
	int status = -1;

	if (compare_check(count) < 0)
		return -1;
	c = calloc(1, sizeof(*c));
	if (!c)
		return fail("compare");
	c->settings = s;
	/* before app_open() a signal ends this process and its servers */
	if (read_settings(c) == 0 && compare_plan(c) == 0 &&
	    start_all(c) == 0 && app_open(&c->app, s) == 0) {
		compare_run(c);
		*ended_by = c->app.ended_by;
		status = app_close(&c->app);
	}
	compare_stop(c);
	sources_free(&c->sources);
	free(c);
	return status;
}
