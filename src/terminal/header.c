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

#include "base/clock.h"
#include "base/container.h"
#include "base/line.h"
#include "terminal/foreground.h"

enum {
	BELOW = 5,			/* rows left below, for a prompt */
	PACE_US = 250 * 1000,
	KEYS_US = 50 * 1000,		/* between two draws for keys */
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
header_measure(struct header *h)
{
	struct winsize now;

	if (ioctl(h->terminal, TIOCGWINSZ, &now) < 0 || !now.ws_row ||
	    !now.ws_col)
		return false;
	if (h->rows == now.ws_row && h->columns == now.ws_col)
		return false;
	h->rows = now.ws_row;
	h->columns = now.ws_col;
	return true;
}

static void
header_feed(FILE *out, int lines)
{
	while (lines-- > 0)
		fputc('\n', out);
}

/* Scrolls all text up, and makes the region below height lines. */
static void
header_divide(struct header *h, FILE *out, int height)
{
	fprintf(out, "%s\033[r%s\033[J", save, restore);
	header_feed(out, h->rows);
	fprintf(out, "\033[%d;%dr\033[%d;1H", height + 1, h->rows, height + 1);
}

static void
header_undivide(FILE *out)
{
	fprintf(out, "%s\033[r%s", save, restore);
}

/* First makes room for as many lines below the cursor. */
static void
header_grow(struct header *h, FILE *out, int lines)
{
	header_feed(out, lines);
	fprintf(out, "\033[%dA%s\033[%d;1H\033[%dL", lines, save,
	    h->height + 1, lines);
	fprintf(out, "\033[%d;%dr%s\033[%dB", h->height + lines + 1, h->rows,
	    restore, lines);
}

static void
header_shrink(struct header *h, FILE *out, int lines)
{
	int top = h->height - lines + 1;

	fprintf(out, "%s\033[%d;%dr\033[%d;1H\033[%dM%s\033[%dA", save, top,
	    h->rows, top, lines, restore, lines);
}

/* Gives the header this many lines of the terminal; 0: removes it. */
static void
header_fit(struct header *h, FILE *out, int height)
{
	if (!h->laid && (height || h->stale))
		header_divide(h, out, height);
	else if (height > h->height)
		header_grow(h, out, height - h->height);
	else if (height < h->height)
		header_shrink(h, out, h->height - height);
	h->laid = height > 0;
	h->stale = false;
	h->height = height;
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
header_flush(struct header *h, FILE *out, char **text, size_t *length)
{
	fclose(out);
	if (*length)
		sink_write(h->out, *text, *length);
	free(*text);
}

/* Takes ownership of text. */
static void
header_paint(struct header *h, char *text)
{
	int height = (int)line_count(text);
	bool moves = height != h->height || h->stale || (height && !h->laid);
	char *bytes = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&bytes, &length);

	if (!out) {
		free(text);
		return;
	}
	if (moves && h->hide)
		h->hide(h);
	header_fit(h, out, height);
	if (height)
		lines_out(out, text);
	header_flush(h, out, &bytes, &length);
	if (moves && h->show)
		h->show(h);
	free(h->shown);
	h->shown = text;
}

/* Draws, if the lines have changed. */
static bool
header_redraw(struct header *h)
{
	int64_t begun = clock_cpu_ns();
	int lines = h->rows - (h->below ? h->below : BELOW);
	char *text = h->draw(h, h->columns, lines > 0 ? lines : 0);

	h->drawn = loop_now();
	h->cost = (clock_cpu_ns() - begun) / 1000;
	if (!text)
		return false;
	if (h->shown && strcmp(text, h->shown) == 0) {
		free(text);
		return false;
	}
	header_paint(h, text);
	return true;
}

/* Forgets what the terminal shows, so that all is drawn again. */
static void
header_forget(struct header *h)
{
	h->stale |= h->laid;
	h->laid = false;
	h->height = 0;
	free(h->shown);
	h->shown = NULL;
}

static void
on_timer(struct timer *t)
{
	struct header *h = container_of(t, struct header, timer);
	int64_t wait = PACE_US;

	if (header_measure(h)) {
		header_forget(h);
		wait = SETTLE_US;
	} else if (in_background(h->terminal)) {
		header_forget(h);
		wait = IDLE_US;
	} else if (!sink_full(h->out)) {
		wait = header_redraw(h) ? PACE_US : IDLE_US;
	}
	if (wait < h->cost * COST)
		wait = h->cost * COST;
	loop_timer_set(h->loop, t, loop_now() + wait);
}

/* The last header stays as plain text. */
static void
give_back(struct header *h)
{
	char *bytes = NULL;
	size_t length = 0;
	FILE *out = h->laid ? open_memstream(&bytes, &length) : NULL;

	if (out) {
		header_undivide(out);
		header_flush(h, out, &bytes, &length);
	}
	header_forget(h);
	h->stale = false;
}

void
header_open(struct header *h)
{
	h->timer.on_timer = on_timer;
	h->open = true;
	h->rows = 24;
	h->columns = 80;
	header_measure(h);
	on_timer(&h->timer);
}

void
header_touch(struct header *h)
{
	int64_t soon = h->drawn + PACE_US;

	if (!h->open || h->timer.when <= soon)
		return;
	if (soon < h->drawn + h->cost * COST)
		soon = h->drawn + h->cost * COST;
	loop_timer_set(h->loop, &h->timer, soon);
}

void
header_now(struct header *h)
{
	int64_t wait = h->cost * COST > KEYS_US ? h->cost * COST : KEYS_US;

	if (!h->open || sink_full(h->out) || in_background(h->terminal))
		return;
	if (loop_now() >= h->drawn + wait)
		header_redraw(h);
	else if (h->timer.when > h->drawn + wait)
		loop_timer_set(h->loop, &h->timer, h->drawn + wait);
}

void
header_redraw_now(struct header *h)
{
	if (h->open && !in_background(h->terminal))
		header_redraw(h);
}

void
header_resize(struct header *h)
{
	if (!h->open)
		return;
	header_measure(h);
	header_forget(h);
	h->drawn = loop_now() + SETTLE_US - PACE_US;
	loop_timer_set(h->loop, &h->timer, loop_now() + SETTLE_US);
}

void
header_suspend(struct header *h)
{
	if (!h->open)
		return;
	give_back(h);
	sink_flush(h->out, FLUSH_MS, -1);
}

void
header_resume(struct header *h)
{
	if (!h->open)
		return;
	header_measure(h);
	header_forget(h);
	on_timer(&h->timer);
}

void
header_close(struct header *h)
{
	if (!h->open)
		return;
	h->open = false;
	loop_timer_cancel(h->loop, &h->timer);
	give_back(h);
}
