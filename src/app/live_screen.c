/*
 * A live screen: lines at the top of a terminal, and one more that shows the
 * keys. The screens differ by their draw callback only.
 *
 *	paused		the lines stay until a key or a resize
 *	help		the keys' meanings are shown instead of the lines
 *	frozen		the lines stay until a resize: the members leave
 *
 * q is the same as ^C: it raises SIGINT, which the app's loop reads. Also while
 * it shows something else it calls draw, whose samples must not stop.
 */
#include "app/live_screen.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/glyph.h"
#include "base/line.h"
#include "base/signals.h"
#include "report/wrap.h"

enum {
	FLUSH_MS = 100,			/* wait this long before an end */
	LINES_WITH_KEYS = 9,		/* fewer: without the line of keys */
	KEYS_TEXT = 200,
	RULE_LEAD = 2,			/* cells of the rule before the keys */
};

static struct live_screen *
live_screen_of(struct header *h)
{
	return container_of(h, struct live_screen, top);
}

static bool
has_keys(const struct live_screen *s)
{
	return s->keys.taken && !s->closing;
}

/* The rule goes on before and behind the keys, with a blank between. */
static void
keys_add(char line[static KEYS_TEXT], int columns, const char *part)
{
	table_line_add(line, KEYS_TEXT, columns - 2 * (RULE_LEAD + 1), "  ",
	    part);
}

static void
keys_line(const struct live_screen *s, int columns, char line[static KEYS_TEXT])
{
	char part[48];

	*line = '\0';
	if (s->help) {
		keys_add(line, columns, "any key goes back");
		return;
	}
	if (s->paused)
		keys_add(line, columns, "PAUSED");
	keys_add(line, columns, "q quit");
	keys_add(line, columns, "? help");
	keys_add(line, columns, s->paused ? "p go on" : "p pause");
	if (s->view.ordered) {
		snprintf(part, sizeof(part), "s sort: %s",
		    view_order_name(s->view.order));
		keys_add(line, columns, part);
	}
	snprintf(part, sizeof(part), "%s scroll", glyph(GLYPH_ARROWS));
	keys_add(line, columns, part);
}

static void
rule(FILE *out, int cells)
{
	for (int i = 0; i < cells; i++)
		fputs(glyph(GLYPH_RULE), out);
}

/* Between the screen and what scrolls below: a rule, with the keys in it. */
static void
last_line(FILE *out, const struct live_screen *s, bool keyed, int columns)
{
	char keys[KEYS_TEXT] = "";

	if (keyed)
		keys_line(s, columns, keys);
	if (!*keys) {
		rule(out, columns);
	} else {
		rule(out, RULE_LEAD);
		paint(out, s->app->color, s->paused ? BOLD : PLAIN, " %s ",
		    keys);
		rule(out, columns - RULE_LEAD - 2 - table_cells(keys));
	}
	fputc('\n', out);
}

static const char *const help_lines[] = {
	"q       quit, like ^C",
	"p       pause the screen, not the count",
	"arrows  scroll; PgUp, PgDn, too",
	"?       this",
	"s       sort: name, count, queue, rate",
};

enum { HELP_LINES = sizeof(help_lines) / sizeof(help_lines[0]) };

static char *
help_text(bool ordered, int columns, int lines)
{
	int count = HELP_LINES - !ordered;
	char *text = NULL, line[KEYS_TEXT];
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	for (int i = 0; i < count && i < lines; i++) {
		snprintf(line, sizeof(line), "%s", help_lines[i]);
		fprintf(out, "%s\n", table_cut(line, columns));
	}
	fclose(out);
	return text;
}

/* The lines, and the last one if there is room for it. */
static char *
with_last_line(struct live_screen *s, const char *text, int columns, int lines,
    bool keyed)
{
	char *whole = NULL;
	size_t length;
	FILE *out = open_memstream(&whole, &length);

	if (!out)
		return NULL;
	wrap_cut(out, text, columns);
	s->keyed = false;
	if (*text && (int)line_count(text) < lines) {
		last_line(out, s, keyed, columns);
		s->keyed = keyed;
	}
	fclose(out);
	return whole;
}

/* Whether there are lines that were drawn for another size. */
static bool
is_misfit(const struct live_screen *s)
{
	return s->lines && (s->columns != s->top.columns ||
	    s->rows != s->top.rows);
}

/* Whether the lines are not to change. */
static bool
is_still(const struct live_screen *s)
{
	return s->lines && !is_misfit(s) &&
	    (s->frozen || (s->paused && !s->changed));
}

static void
lines_update(struct live_screen *s, int columns, int lines)
{
	bool still = is_still(s);
	char *text = still && s->frozen ? NULL : s->draw(s, columns, lines);

	if (!text && is_misfit(s))
		text = strdup("");
	if (!text || still) {
		free(text);
		return;
	}
	free(s->lines);
	s->lines = text;
	s->columns = s->top.columns;
	s->rows = s->top.rows;
}

static char *
live_screen_draw(struct header *h, int columns, int lines)
{
	struct live_screen *s = live_screen_of(h);
	char *help, *whole;
	bool keyed;

	keys_update(&s->keys);
	if (s->keys.open)
		s->view.hint = s->keys.taken ? glyph(GLYPH_ARROWS) : NULL;
	keyed = has_keys(s) && lines >= LINES_WITH_KEYS;
	lines_update(s, columns, lines - keyed);
	s->changed = false;
	if (!s->help || s->closing)
		return s->lines ? with_last_line(s, s->lines, columns, lines,
		    keyed) : NULL;
	help = help_text(s->view.ordered, columns, lines - keyed);
	whole = help ? with_last_line(s, help, columns, lines, keyed) : NULL;
	free(help);
	return whole;
}

static void
view_move(struct view *v, int64_t by)
{
	if (by < 0 && v->first < (size_t)-by)
		v->first = 0;
	else
		v->first += (size_t)by;
	if (v->first > v->last)
		v->first = v->last;
}

static void
on_movement(struct view *v, int key)
{
	switch (key) {
	case KEY_UP: case 'k': view_move(v, -1); break;
	case KEY_DOWN: case 'j': view_move(v, 1); break;
	case KEY_PAGE_UP: view_move(v, -(int64_t)v->page); break;
	case KEY_PAGE_DOWN: case ' ': view_move(v, (int64_t)v->page); break;
	case KEY_HOME: case 'g': v->first = 0; break;
	case KEY_END: case 'G': v->first = v->last; break;
	default: break;
	}
}

void
live_screen_page(struct live_screen *s, int direction)
{
	view_move(&s->view, direction * (int64_t)s->view.page);
	header_now(&s->top);
}

static void
on_key(struct keys *k, int key)
{
	struct live_screen *s = container_of(k, struct live_screen, keys);

	if (s->help)
		s->help = false;
	else if (key == 'q')
		raise(SIGINT);
	else if (key == '?' || key == 'h')
		s->help = true;
	else if (key == 'p')
		s->paused = !s->paused;
	else if (key == 's' && s->view.ordered)
		s->view.order = (s->view.order + 1) % ORDERS;
	else
		on_movement(&s->view, key);
	s->changed = true;
	header_now(&s->top);
}

int
live_screen_open(struct live_screen *s, struct app *a, struct sink *out,
    int terminal, bool keys)
{
	if (app_catch(a, SIGWINCH) < 0 || app_catch(a, SIGTSTP) < 0)
		return -1;
	s->app = a;
	s->top.loop = s->keys.loop = &a->loop;
	s->top.out = out;
	s->top.terminal = terminal;
	s->top.draw = live_screen_draw;
	s->keys.on_key = on_key;
	if (keys && app_catch(a, SIGQUIT) == 0)
		keys_open(&s->keys, terminal);
	header_open(&s->top);
	return 0;
}

bool
live_screen_signal(struct live_screen *s, const struct signalfd_siginfo *info)
{
	switch (info->ssi_signo) {
	case SIGWINCH:
		header_resize(&s->top);
		return true;
	case SIGTSTP:
		header_suspend(&s->top);
		keys_release(&s->keys);
		raise(SIGSTOP);
		header_resume(&s->top);
		return true;
	case SIGQUIT:
		live_screen_close(s);
		sink_flush(s->top.out, FLUSH_MS, -1);
		signals_end_by(SIGQUIT);
		return true;
	default:
		return false;
	}
}

void
live_screen_freeze(struct live_screen *s)
{
	s->frozen = true;
}

void
live_screen_close(struct live_screen *s)
{
	/* what is left on the terminal has neither keys nor help */
	s->closing = s->frozen = true;
	if (s->top.open && s->lines && (s->keyed || s->help))
		header_redraw_now(&s->top);
	keys_close(&s->keys);
	header_close(&s->top);
	free(s->lines);
	s->lines = NULL;
}
