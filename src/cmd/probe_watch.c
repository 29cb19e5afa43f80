/*
 * rpnc probe --watch: at every interval it looks at the load (ops/watch.h) and
 * shows the result: as a header at the top of a terminal, as JSON events, or
 * as blocks of lines. Members that come or go are lines of their own.
 *
 *	!seen		every FIRST_US, until a look finds the members. That
 *			look is not shown; later changes are relative to it
 *	seen		every interval
 */
#include "cmd/probe_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/emit.h"
#include "base/container.h"
#include "report/watch_screen.h"

enum {
	FIRST_US = 20 * 1000,		/* until the members are known */
	WATCH_BELOW = 2,		/* rows, for members that come and go */
};

static struct probe_watch *
probe_watch_of(struct timer *t)
{
	return container_of(t, struct probe_watch, timer);
}

/* Writes "12:01:03", or the time as --timestamps has it. */
static void
time_out(FILE *out, const struct app *a)
{
	char text[TIME_TEXT] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (a->settings->timestamps)
		time_text(event_now(), text);
	else if (localtime_r(&now, &tm))
		strftime(text, sizeof(text), "%T", &tm);
	fputs(text, out);
}

/* Writes "12:01:03 + D, pid 4243 rpnc: 4 members". */
static void
change_out(FILE *out, const struct app *a, const struct watch_member *m,
    bool came, int members)
{
	char name[TABLE_PLAIN], command[TABLE_PLAIN], raw[MEMBER_NAME_TEXT];

	table_plain(member_name_text(&m->who, "", raw), name);
	table_plain(m->who.command ? m->who.command : "", command);
	time_out(out, a);
	fputc(' ', out);
	paint(out, a->color, came ? GREEN : RED, came ? "+" : "-");
	if (m->who.name)
		fprintf(out, " %s", name);
	if (m->who.pid >= 0)
		fprintf(out, "%s pid %lld", m->who.name ? "," : "",
		    (long long)m->who.pid);
	fprintf(out, "%s%s%s: %d member%s", *command ? " " : "", command,
	    !came && m->state && strcmp(m->state, "gone") == 0 ?
	    " has ended" : "", members, members == 1 ? "" : "s");
	if (!came)
		fprintf(out, "; it had answered %llu",
		    (unsigned long long)m->count);
	fputc('\n', out);
}

static void
change_print(struct app *a, const struct watch_member *m, bool came,
    int members)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return;
	change_out(out, a, m, came, members);
	fclose(out);
	if (text)
		a->print(a, text, length, true);
	free(text);
}

static void
on_change(struct watch_window *v, const struct watch_member *m, bool came,
    int members)
{
	struct app *a = container_of(v, struct probe_watch, watch.window)->app;
	struct event e = {
		.kind = came ? EVENT_JOINED : EVENT_LEFT, .name = m->who.name,
		.pid = m->who.pid, .cut = -1, .waiting = -1, .members = members,
		.clients = (int64_t)m->count, .reason = m->state &&
		    strcmp(m->state, "gone") == 0 ? "ended" : NULL,
	};

	emit_for_programs(a, &e);
	if (!a->settings->json)
		change_print(a, m, came, members);
}

/* Prints "12:01:03 ~ the steering is now random". */
static void
steering_print(struct app *a, const char *steering)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return;
	time_out(out, a);
	fputc(' ', out);
	paint(out, a->color, GREEN, "~");
	fprintf(out, " the steering is now %s\n", steering);
	fclose(out);
	if (text)
		a->print(a, text, length, true);
	free(text);
}

static void
on_steering(struct watch_window *v, const char *steering)
{
	struct app *a = container_of(v, struct probe_watch, watch.window)->app;
	struct event e = {
		.kind = EVENT_STEERING, .pid = -1, .steering = steering,
	};

	emit_for_programs(a, &e);
	if (!a->settings->json)
		steering_print(a, steering);
}

/* Without a terminal to draw on: a block of lines. */
static void
block_out(struct probe_watch *w)
{
	const struct table_style style = { .color = false };
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return;
	if (w->printed)
		fputc('\n', out);
	if (w->app->settings->timestamps) {
		time_out(out, w->app);
		fputc(' ', out);
	}
	watch_screen(out, &w->watch.report, &style, NULL, 0);
	fclose(out);
	if (text)
		sink_write(&w->app->out, text, length);
	w->printed = true;
	free(text);
}

static void
probe_watch_show(struct probe_watch *w)
{
	struct event e = {
		.kind = EVENT_WATCH, .watch = &w->watch.report,
	};

	emit_for_programs(w->app, &e);
	if (w->drawn)
		header_touch(&w->screen.top);
	else if (!w->app->settings->json)
		block_out(w);
}

/* Looks, and shows it unless it is the first look. */
static void
on_timer(struct timer *t)
{
	struct probe_watch *w = probe_watch_of(t);
	int64_t now = loop_now(), next;
	int looked = watch_observe(&w->watch);

	if (looked < 0) {
		app_fatal(w->app);
		return;
	}
	if (looked && w->seen)
		probe_watch_show(w);
	w->seen |= looked > 0;
	next = w->seen ? t->when + w->interval : now + FIRST_US;
	if (next <= now)
		next = now + w->interval;
	loop_timer_set(&w->app->loop, t, next);
}

static char *
probe_watch_draw(struct live_screen *s, int columns, int lines)
{
	struct probe_watch *w = container_of(s, struct probe_watch, screen);
	const struct table_style style = {
		.columns = columns, .color = w->app->color,
	};
	char *text = NULL;
	size_t length;
	FILE *out;

	if (!w->watch.rate_count || lines < 1)
		return NULL;
	out = open_memstream(&text, &length);
	if (!out)
		return NULL;
	watch_screen(out, &w->watch.report, &style, &s->view, lines);
	fclose(out);
	return text;
}

bool
probe_watch_signal(struct probe_watch *w, const struct signalfd_siginfo *info)
{
	return live_screen_signal(&w->screen, info);
}

static int
probe_watch_header(struct probe_watch *w)
{
	if (w->app->settings->json || !header_possible(STDOUT_FILENO))
		return 0;
	w->drawn = true;
	w->screen.draw = probe_watch_draw;
	w->screen.view.ordered = true;
	w->screen.top.below = WATCH_BELOW;
	return live_screen_open(&w->screen, w->app, &w->app->out, STDOUT_FILENO,
	    true);
}

int
probe_watch_open(struct probe_watch *w, struct app *a, struct load *l,
    const struct steering *weights)
{
	w->app = a;
	w->watch.window.load = l;
	w->watch.weights = *weights;
	w->watch.window.on_change = on_change;
	w->watch.window.on_steering = on_steering;
	w->timer.on_timer = on_timer;
	return probe_watch_header(w) < 0 ? -1 : loop_timer_set(&a->loop,
	    &w->timer, loop_now() + FIRST_US);
}

void
probe_watch_close(struct probe_watch *w)
{
	live_screen_close(&w->screen);
	watch_free(&w->watch);
}
