/*
 * Lines that stay at the top of a terminal. How it works. The terminal's
 * scrolling region (DECSTBM) begins below the header, so every process that
 * writes to the terminal behaves as if the terminal were smaller. To draw, the
 * cursor is saved, moved, and restored.
 *
 * The header does not ask the terminal for the cursor's position, because the
 * answer would arrive among the keys. To make the region, a line feed for each
 * row pushes the old text up into the terminal's history. When the header grows
 * or shrinks, the text below it moves; the cursor is in the last line, so
 * nothing below is lost.
 *
 * A terminal that is resized forgets the region and may move its rows. So the
 * region is made again once the size has settled.
 */
#include "terminal/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/container.h"
#include "terminal/foreground.h"

enum {
	BELOW = 5,			/* rows left below the header */
	PACE_US = 250 * 1000,
	IDLE_US = 1000 * 1000,
	SETTLE_US = 150 * 1000,
	FLUSH_MS = 100,			/* wait this long before a stop */
	COST = 20,			/* draws for 1/COST of the time at most */
};

static const char save[] = "\0337", restore[] = "\0338";

bool
header_possible(int terminal)
{
	const char *term = getenv("TERM");

	return isatty(terminal) && term && *term && strcmp(term, "dumb") != 0;
}

/* Measures the terminal; returns whether its size has changed. */
static bool
header_measure(struct header *l)
{
	struct winsize now;

	if (ioctl(l->terminal, TIOCGWINSZ, &now) < 0 || !now.ws_row ||
	    !now.ws_col)
		return false;
	if (l->rows == now.ws_row && l->columns == now.ws_col)
		return false;
	l->rows = now.ws_row;
	l->columns = now.ws_col;
	return true;
}

static int
count_lines(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void
header_feed(FILE *out, int lines)
{
	while (lines-- > 0)
		fputc('\n', out);
}

/* Scrolls all text up, and makes the region below height lines. */
static void
header_divide(struct header *l, FILE *out, int height)
{
	fprintf(out, "%s\033[r%s\033[J", save, restore);
	header_feed(out, l->rows);
	fprintf(out, "\033[%d;%dr\033[%d;1H", height + 1, l->rows, height + 1);
}

static void
header_undivide(FILE *out)
{
	fprintf(out, "%s\033[r%s", save, restore);
}

/* First makes room for as many lines below the cursor. */
static void
header_grow(struct header *l, FILE *out, int lines)
{
	header_feed(out, lines);
	fprintf(out, "\033[%dA%s\033[%d;1H\033[%dL", lines, save,
	    l->height + 1, lines);
	fprintf(out, "\033[%d;%dr%s\033[%dB", l->height + lines + 1, l->rows,
	    restore, lines);
}

static void
header_shrink(struct header *l, FILE *out, int lines)
{
	int top = l->height - lines + 1;

	fprintf(out, "%s\033[%d;%dr\033[%d;1H\033[%dM%s\033[%dA", save, top,
	    l->rows, top, lines, restore, lines);
}

/* Gives the header this many lines of the terminal; 0: removes it. */
static void
header_fit(struct header *l, FILE *out, int height)
{
	if (!l->laid && height)
		header_divide(l, out, height);
	else if (l->laid && !height)
		header_undivide(out);
	else if (height > l->height)
		header_grow(l, out, height - l->height);
	else if (height < l->height)
		header_shrink(l, out, l->height - height);
	l->laid = height > 0;
	l->height = height;
}

/* Writes the lines without wrapping, with the cursor hidden. */
static void
lines_out(FILE *out, const char *text)
{
	int row = 0;

	fprintf(out, "%s\033[?25l\033[?7l", save);
	for (const char *end; (end = strchr(text, '\n')); text = end + 1)
		fprintf(out, "\033[%d;1H\033[2K%.*s", ++row,
		    (int)(end - text), text);
	fprintf(out, "\033[0m\033[?7h%s\033[?25h", restore);
}

static void
header_flush(struct header *l, FILE *out, char **text, size_t *length)
{
	fclose(out);
	if (*length)
		sink_write(l->out, *text, *length);
	free(*text);
}

/* Takes ownership of text. */
static void
header_paint(struct header *l, char *text)
{
	int height = count_lines(text);
	bool moves = height != l->height || (height && !l->laid);
	char *bytes = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&bytes, &length);

	if (!out) {
		free(text);
		return;
	}
	if (moves && l->hide)
		l->hide(l);
	header_fit(l, out, height);
	if (height)
		lines_out(out, text);
	header_flush(l, out, &bytes, &length);
	if (moves && l->show)
		l->show(l);
	free(l->shown);
	l->shown = text;
}

/* Draws, if the lines have changed. */
static bool
header_redraw(struct header *l)
{
	int64_t begun = loop_now();
	int lines = l->rows - BELOW;
	char *text = l->draw(l, l->columns, lines > 0 ? lines : 0);

	l->drawn = loop_now();
	l->cost = l->drawn - begun;
	if (!text)
		return false;
	if (l->shown && strcmp(text, l->shown) == 0) {
		free(text);
		return false;
	}
	header_paint(l, text);
	return true;
}

/* Forgets what the terminal shows, so that all is drawn again. */
static void
header_forget(struct header *l)
{
	l->laid = false;
	l->height = 0;
	free(l->shown);
	l->shown = NULL;
}

static void
on_timer(struct timer *t)
{
	struct header *l = container_of(t, struct header, timer);
	int64_t wait = PACE_US;

	if (header_measure(l)) {
		header_forget(l);
		wait = SETTLE_US;
	} else if (in_background(l->terminal)) {
		header_forget(l);
		wait = IDLE_US;
	} else if (!sink_full(l->out)) {
		wait = header_redraw(l) ? PACE_US : IDLE_US;
	}
	if (wait < l->cost * COST)
		wait = l->cost * COST;
	loop_timer_set(l->loop, t, loop_now() + wait);
}

/* The last header stays as plain text. */
static void
give_back(struct header *l)
{
	char *bytes = NULL;
	size_t length = 0;
	FILE *out = l->laid ? open_memstream(&bytes, &length) : NULL;

	if (out) {
		header_undivide(out);
		header_flush(l, out, &bytes, &length);
	}
	header_forget(l);
}

void
header_open(struct header *l)
{
	l->timer.on_timer = on_timer;
	l->open = true;
	l->rows = 24;
	l->columns = 80;
	header_measure(l);
	on_timer(&l->timer);
}

void
header_touch(struct header *l)
{
	int64_t soon = l->drawn + PACE_US;

	if (!l->open || l->timer.when <= soon)
		return;
	if (soon < l->drawn + l->cost * COST)
		soon = l->drawn + l->cost * COST;
	loop_timer_set(l->loop, &l->timer, soon);
}

void
header_resize(struct header *l)
{
	if (!l->open)
		return;
	header_measure(l);
	header_forget(l);
	l->drawn = loop_now() + SETTLE_US - PACE_US;
	loop_timer_set(l->loop, &l->timer, loop_now() + SETTLE_US);
}

void
header_suspend(struct header *l)
{
	if (!l->open)
		return;
	give_back(l);
	sink_flush(l->out, FLUSH_MS, -1);
}

void
header_resume(struct header *l)
{
	if (!l->open)
		return;
	header_measure(l);
	header_forget(l);
	on_timer(&l->timer);
}

void
header_close(struct header *l)
{
	if (!l->open)
		return;
	l->open = false;
	loop_timer_cancel(l->loop, &l->timer);
	give_back(l);
}
