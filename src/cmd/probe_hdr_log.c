#include "cmd/probe_hdr_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/fail.h"
#include "cmd/probe_files.h"
#include "probe/stats/tally.h"
#include "report/event.h"
#include "report/hdr_log.h"

enum { INTERVAL_US = 1000 * 1000 };

/* Writes what the interval has, and begins the next one. */
static void
log_interval(struct probe_hdr_log *l)
{
	int64_t now = clock_ns();
	double at = (double)(l->from - l->began) / 1e9;
	double length = (double)(now - l->from) / 1e9;

	for (int i = 0; i < LATENCIES; i++) {
		if (!l->phases[i].count)
			continue;
		if (hdr_log_line(l->out, latency_names[i], at, length,
		    &l->phases[i]) < 0)
			l->short_of_memory = true;
		hist_init(&l->phases[i]);
	}
	fflush(l->out);
	l->from = now;
}

static void
on_interval(struct timer *t)
{
	struct probe_hdr_log *l = container_of(t, struct probe_hdr_log, timer);
	int64_t next = t->when + INTERVAL_US;

	log_interval(l);
	if (next <= loop_now())
		next = loop_now() + INTERVAL_US;
	loop_timer_set(l->loop, t, next);
}

int
probe_hdr_log_open(struct probe_hdr_log *l, const struct settings *s)
{
	int fd;

	l->name = s->hdr_log;
	if (!l->name)
		return 0;
	fd = probe_file_open(l->name);
	if (fd >= 0)
		l->out = fdopen(fd, "w");
	else if (!errno)
		l->out = fopen(l->name, "we");
	if (!l->out && fd >= 0)
		close(fd);
	return l->out ? 0 : probe_file_fail("--hdr-log", l->name);
}

int
probe_hdr_log_start(struct probe_hdr_log *l, struct loop *loop)
{
	if (!l->out)
		return 0;
	l->phases = calloc(LATENCIES, sizeof(*l->phases));
	if (!l->phases)
		return fail("--hdr-log");
	hdr_log_head(l->out, event_now());
	l->began = l->from = clock_ns();
	l->loop = loop;
	l->timer.on_timer = on_interval;
	return loop_timer_set(loop, &l->timer, loop_now() + INTERVAL_US);
}

void
probe_hdr_log_add(struct probe_hdr_log *l, const struct attempt_result *r)
{
	if (!l->phases)
		return;
	for (int i = 0; i < LATENCIES; i++)
		if (tally_measures(r, i))
			hist_add(&l->phases[i], (uint64_t)r->ns[i]);
}

int
probe_hdr_log_end(struct probe_hdr_log *l)
{
	bool bad;

	if (!l->phases)
		return 0;
	loop_timer_cancel(l->loop, &l->timer);
	log_interval(l);
	bad = ferror(l->out) != 0;
	bad |= fclose(l->out) != 0;
	l->out = NULL;
	if (l->short_of_memory)
		return fail_as(STATUS_NETWORK, "--hdr-log %.200s: not complete: "
		    "no memory", l->name);
	return bad ? probe_file_fail("--hdr-log", l->name) : 0;
}

void
probe_hdr_log_close(struct probe_hdr_log *l)
{
	if (l->out)
		fclose(l->out);
	l->out = NULL;
	free(l->phases);
	l->phases = NULL;
}
