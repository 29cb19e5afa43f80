#include "cmd/members_header.h"

#include <stdio.h>
#include <unistd.h>

#include "app/emit.h"
#include "base/container.h"
#include "base/fail.h"
#include "report/scoreboard.h"
#include "terminal/foreground.h"

enum { KEYS_BELOW = 3 };	/* rows for events: nobody types there */

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
draw_members(struct live_screen *screen, int columns, int lines)
{
	struct members_header *d = container_of(screen, struct members_header,
	    screen);
	struct group_stats *stats = &d->membership->stats;
	struct table_style style = {
		.columns = columns, .color = screen->app->color,
	};
	char *text = NULL;
	size_t length;
	FILE *out;

	/* what is typed and said below needs its room */
	if (screen->top.hide)
		screen->view.strips_to = screen->top.rows / 3;
	if (membership_observe(d->membership) < 0)
		return NULL;
	group_stats_sample(stats, loop_now());
	out = open_memstream(&text, &length);
	if (!out)
		return NULL;
	scoreboard_header(out, &stats->scoreboard, &style, &screen->view,
	    lines);
	fclose(out);
	return text;
}

int
members_header_open(struct members_header *d, struct app *app,
    struct membership *membership, struct sink *out, int terminal, bool keys)
{
	d->membership = membership;
	d->screen.draw = draw_members;
	d->screen.view.ordered = true;
	if (keys)
		d->screen.top.below = KEYS_BELOW;
	return live_screen_open(&d->screen, app, out, terminal, keys);
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
	    &app->err, STDERR_FILENO, true) < 0)
		emit_error(app);
}
