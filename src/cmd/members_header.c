#include "cmd/members_header.h"

#include <stdio.h>
#include <unistd.h>

#include "app/header.h"
#include "base/fail.h"
#include "report/scoreboard.h"
#include "terminal/foreground.h"

int
display_check(const struct settings *s, int terminal)
{
	if (!s->live || live_possible(terminal))
		return 0;
	if (isatty(terminal))
		return fail_as(STATUS_USAGE, "--live: this terminal (TERM) "
		    "can't be drawn on");
	return fail_as(STATUS_USAGE, "--live is shown on a terminal, and %s "
	    "is none", terminal == STDOUT_FILENO ? "stdout" : "stderr");
}

static char *
draw(struct live *l, int columns, int lines)
{
	struct display *d = (struct display *)l;
	struct score *score = &d->place->score;
	struct score_style style = {
		.columns = columns, .color = d->desk->color,
	};
	char *text = NULL;
	size_t length;
	FILE *out;

	if (place_look(d->place) < 0)
		return NULL;
	score_sample(score, loop_now());
	out = open_memstream(&text, &length);
	if (!out)
		return NULL;
	scoreboard_header(out, &score->registry, &style, lines);
	fclose(out);
	return text;
}

bool
display_signal(struct display *d, const struct signalfd_siginfo *info)
{
	return screen_signal(&d->live, info);
}

int
display_open(struct display *d, struct desk *desk, struct place *place,
    struct sink *out, int terminal)
{
	d->desk = desk;
	d->place = place;
	d->live.draw = draw;
	return screen_open(&d->live, desk, out, terminal);
}

static bool
is_wanted(const struct settings *s)
{
	return s->live || (!s->quiet && !s->json && isatty(STDOUT_FILENO) &&
	    live_possible(STDERR_FILENO) &&
	    in_foreground(STDERR_FILENO));
}

void
display_start(struct display *d, struct desk *desk, struct place *place)
{
	if (is_wanted(desk->settings) && display_open(d, desk, place,
	    &desk->err, STDERR_FILENO) < 0)
		desk_error(desk);
}
