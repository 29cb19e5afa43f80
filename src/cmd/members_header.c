#include "cmd/members_header.h"

#include <stdio.h>
#include <unistd.h>

#include "app/emit.h"
#include "app/header.h"
#include "base/container.h"
#include "base/fail.h"
#include "report/scoreboard.h"
#include "terminal/foreground.h"

int
members_header_check(const struct settings *s, int terminal)
{
	if (!s->live || header_possible(terminal))
		return 0;
	if (isatty(terminal))
		return fail_as(STATUS_USAGE, "--live: this terminal (TERM) "
		    "can't be drawn on");
	return fail_as(STATUS_USAGE, "--live is shown on a terminal, and %s "
	    "is none", terminal == STDOUT_FILENO ? "stdout" : "stderr");
}

static char *
draw_members(struct header *h, int columns, int lines)
{
	struct members_header *d = container_of(h, struct members_header, top);
	struct group_stats *stats = &d->membership->stats;
	struct table_style style = {
		.columns = columns, .color = d->app->color,
	};
	char *text = NULL;
	size_t length;
	FILE *out;

	if (membership_observe(d->membership) < 0)
		return NULL;
	group_stats_sample(stats, loop_now());
	out = open_memstream(&text, &length);
	if (!out)
		return NULL;
	scoreboard_header(out, &stats->board, &style, lines);
	fclose(out);
	return text;
}

bool
members_header_signal(struct members_header *d,
    const struct signalfd_siginfo *info)
{
	return app_header_signal(&d->top, info);
}

int
members_header_open(struct members_header *d, struct app *app,
    struct membership *membership, struct sink *out, int terminal)
{
	d->app = app;
	d->membership = membership;
	d->top.draw = draw_members;
	return app_header_open(&d->top, app, out, terminal);
}

static bool
is_wanted(const struct settings *s)
{
	return s->live || (!s->quiet && !s->json && isatty(STDOUT_FILENO) &&
	    header_possible(STDERR_FILENO) &&
	    in_foreground(STDERR_FILENO));
}

void
members_header_start(struct members_header *d, struct app *app,
    struct membership *membership)
{
	if (is_wanted(app->settings) && members_header_open(d, app, membership,
	    &app->err, STDERR_FILENO) < 0)
		emit_error(app);
}
