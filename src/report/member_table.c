/*
 * The table of a port's members. The prompt shows the members of its group in
 * it, and --watch shows the members that a probe has met. The functions under
 * `wanted` say which columns each of the two has. On a live screen each member
 * also has a strip of its accept rate: below its row if there is room, else in
 * the last column. All strips have one scale.
 */
#include "report/member_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "report/fairness.h"
#include "report/strip.h"

enum {
	NAME_CELLS = 24,
	COMMAND_CELLS = 16,
	STRIP_INDENT = 2,		/* as the names have */
};

enum { NAME, PID, COMMAND, BAR, ACCEPTED, COUNT, SINCE, SHARE, EXPECTED, RATE,
	QUEUED, OPEN, QUEUE, DROPS, STATE, STRIP, COLUMNS };

/* The report of the table, for the callbacks. */
struct member_page {
	const struct scoreboard *scoreboard;
	const struct member_layout *layout;
};

static const struct scoreboard *
scoreboard_of(const struct table_cell *c)
{
	const struct member_page *p = c->table->report;

	return p->scoreboard;
}

static void
percent(double part, char text[static TABLE_TEXT])
{
	if (isnan(part))
		snprintf(text, TABLE_TEXT, "-");
	else
		snprintf(text, TABLE_TEXT, "%.1f %%", 100 * part);
}

/* A foreign member's command stands here if its own column has no room. */
static void
name_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct member_row *r = c->row;
	char command[TABLE_PLAIN] = "-";

	if (!r->name && !c->table->width[COMMAND] && r->command && *r->command)
		table_plain(r->command, command);
	snprintf(text, TABLE_TEXT, "%c %.*s", r->own ? '>' : ' ',
	    r->name ? NAME_CELLS : COMMAND_CELLS, r->name ? r->name : command);
}

/* "12", or "12+11": 11 more are in its queue, so not among the accepted. */
static void
since_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct member_row *r = c->row;

	if (r->since < 0)
		snprintf(text, TABLE_TEXT, "-");
	else if (r->since_queued > 0)
		snprintf(text, TABLE_TEXT, "%lld+%lld",
		    (long long)(r->since - r->since_queued),
		    (long long)r->since_queued);
	else
		snprintf(text, TABLE_TEXT, "%lld", (long long)r->since);
}

static int64_t
since_sum(const struct scoreboard *b)
{
	int64_t sum = 0;

	for (size_t i = 0; i < b->count; i++)
		sum += b->rows[i].since > 0 ? b->rows[i].since : 0;
	return sum;
}

/* The member's part of all connections since the last change. */
static void
share_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct scoreboard *b = scoreboard_of(c);
	const struct member_row *r = c->row;
	int64_t total = since_sum(b);

	percent(r->since < 0 || !total ? NAN : (double)r->since /
	    (double)total, text);
}

static void
expected_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct member_row *r = c->row;

	percent(r->expected, text);
}

static void
rate_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct member_row *r = c->row;

	char number[NUM_TEXT];

	snprintf(text, TABLE_TEXT, "%s", rate_text(r->rate, number));
}

static void
queue_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct member_row *r = c->row;

	table_queue(r->queue, r->limit, text);
}

static void
state_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct member_row *r = c->row;

	snprintf(text, TABLE_TEXT, "%s", r->state ? r->state : "-");
}

/* The bar of a member; all bars of a table have the scale most. */
static struct bar
since_bar_of(const struct scoreboard *b, const struct member_row *r,
    double most)
{
	uint64_t n = (uint64_t)since_sum(b);
	int expecting = 0;

	for (size_t i = 0; i < b->count; i++)
		expecting += b->rows[i].expected > 0;
	return fair_bar(r->since > 0 ? (double)r->since : 0,
	    r->expected * (double)n, n, expecting, most);
}

static struct bar
since_bar(const struct table_cell *c)
{
	const struct scoreboard *b = scoreboard_of(c);
	double most = 0;

	for (size_t i = 0; i < b->count; i++)
		most = fmax(most, bar_end(since_bar_of(b, &b->rows[i], 1)));
	return since_bar_of(b, c->row, most);
}

/* All strips of a table have the scale of the highest one. */
static double
strips_most(const struct scoreboard *b, int cells)
{
	double most = 0;

	for (size_t i = 0; i < b->count; i++)
		most = fmax(most, strip_most(b->rows[i].track, cells));
	return most;
}

static void
strip_plot(const struct table_cell *c, FILE *out, int cells, bool color)
{
	const struct member_row *r = c->row;
	const struct strip s = {
		r->track, strips_most(scoreboard_of(c), cells), cells, 1,
	};

	strip_row(out, &s, 0, color);
}

static bool
has_strips(const struct table_cell *c)
{
	const struct member_page *p = c->table->report;

	return p->layout->strip_column;
}

static bool
is_probed(const struct table_cell *c)
{
	const struct scoreboard *b = scoreboard_of(c);

	return b->probed;
}

static bool
is_counted(const struct table_cell *c)
{
	return !is_probed(c);
}

/* A probe may know none of the members' pids, commands or states. */
static bool
is_known(const struct table_cell *c)
{
	return is_counted(c) || table_has_text(c);
}

/* A probe shows this column only if some connection was not accepted. */
static bool
has_queued(const struct table_cell *c)
{
	return is_probed(c) && table_has_figure(c);
}

/* Some member accepted connections before the last change. */
static bool
has_before(const struct table_cell *c)
{
	const struct scoreboard *b = scoreboard_of(c);

	for (size_t i = 0; i < b->count; i++)
		if (b->rows[i].since != b->rows[i].accepted)
			return true;
	return false;
}

/* The members expect different shares. */
static bool
has_weights(const struct table_cell *c)
{
	const struct scoreboard *b = scoreboard_of(c);
	double first = NAN;

	for (size_t i = 0; i < b->count; i++) {
		double e = b->rows[i].expected;

		if (isnan(e))
			continue;
		if (!isnan(first) && fabs(e - first) > 1e-9)
			return true;
		first = e;
	}
	return false;
}

static enum color
name_color(const struct table_cell *c)
{
	const struct member_row *r = c->row;

	return r->own ? BOLD : PLAIN;
}

static enum color
queue_color(const struct table_cell *c)
{
	const struct member_row *r = c->row;

	return r->queue > 0 ? RED : PLAIN;
}

static enum color
state_color(const struct table_cell *c)
{
	const struct member_row *r = c->row;

	return r->state && strcmp(r->state, "running") != 0 ? RED : PLAIN;
}

#define NUMBER(head, rank, wanted, member) \
	{ head, rank, 1, 0, true, wanted, table_number_at, \
	    offsetof(struct member_row, member), NULL, NULL, NULL }
#define FIGURE(head, rank, wanted, text) \
	{ head, rank, 1, 0, true, wanted, text, 0, NULL, NULL, NULL }

static const struct table_column columns[COLUMNS] = {
	[NAME] = { "  name", .text = name_cell, .color = name_color },
	[PID] = NUMBER("pid", 2, is_known, pid),
	[COMMAND] = { "command", 3, 1, .wanted = is_known,
	    .text = table_text_at, .at = offsetof(struct member_row, command) },
	[BAR] = { "", .gap = 1, .bar = since_bar },
	[ACCEPTED] = NUMBER("accepted", 0, is_counted, accepted),
	[COUNT] = NUMBER("count", 0, is_probed, accepted),
	[SINCE] = FIGURE("since", 4, has_before, since_cell),
	[SHARE] = FIGURE("share", 7, NULL, share_cell),
	[EXPECTED] = FIGURE("wanted", 5, has_weights, expected_cell),
	[RATE] = FIGURE("/s", 0, is_probed, rate_cell),
	[QUEUED] = FIGURE("queued", 6, has_queued, queue_cell),
	[OPEN] = NUMBER("open", 6, is_counted, open),
	[QUEUE] = { "queue/of", 0, 1, .right = true, .wanted = is_counted,
	    .text = queue_cell, .color = queue_color },
	[DROPS] = NUMBER("drops", 1, is_counted, drops),
	[STATE] = { "state", .gap = 1, .wanted = is_known, .text = state_cell,
	    .color = state_color },
	[STRIP] = { "over time", .gap = 2, .wanted = has_strips,
	    .plot = strip_plot },
};

/* The figure by which an order sorts: rows with the largest come first. */
static double
order_figure(const struct member_row *r, enum view_order order)
{
	const struct rate_track *t = r->track;

	if (order == ORDER_QUEUE)
		return (double)r->queue;
	if (order == ORDER_COUNT)
		return (double)r->accepted;
	if (!isnan(r->rate))
		return r->rate;
	return t ? (double)t->samples[t->count - 1].rate : -1;
}

/* Sorts by insertion, so that equal rows keep their order. */
static void
rows_sort(const struct member_row **rows, size_t count, enum view_order order)
{
	for (size_t i = 1; order != ORDER_NAME && i < count; i++) {
		const struct member_row *r = rows[i];
		double figure = order_figure(r, order);
		size_t at = i;

		for (; at && order_figure(rows[at - 1], order) < figure; at--)
			rows[at] = rows[at - 1];
		rows[at] = r;
	}
}

/* Our own member, or the first; a table with few rows still shows it. */
static size_t
own_row(const struct scoreboard *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->rows[i].own)
			return i;
	return 0;
}

/* A foreign member has none, because its connections are not counted. */
static bool
has_strip(const struct member_row *r)
{
	return r->track || r->since >= 0;
}

static void
strips_below(FILE *out, const struct strip *s, bool color)
{
	for (int row = 0; row < s->rows; row++) {
		fprintf(out, "%*s", STRIP_INDENT, "");
		strip_row(out, s, row, color);
		fputc('\n', out);
	}
}

static void
members_left_out(FILE *out, const struct view *v, int width, size_t above,
    size_t below)
{
	char text[128];
	int n;

	if (!above && !below)
		return;
	n = above ? snprintf(text, sizeof(text), "  ... %zu above, %zu below",
	    above, below) : snprintf(text, sizeof(text), "  ... and %zu more",
	    below);
	if (v && v->hint)
		snprintf(text + n, sizeof(text) - (size_t)n, ": %s", v->hint);
	fprintf(out, "%s\n", width ? table_cut(text, width) : text);
}

/* At most this many rows, in their order; NULL ends them. */
static void
rows_out(FILE *out, const struct table *t, const struct table_style *style,
    const struct member_row **rows, size_t shown)
{
	const struct member_page *p = t->report;
	struct strip s = {
		.cells = style->columns > STRIP_INDENT ?
		    style->columns - STRIP_INDENT : 0,
		.rows = p->layout->strip_rows,
	};

	s.most = strips_most(p->scoreboard, s.cells);
	for (size_t i = 0; i < shown && rows[i]; i++) {
		table_row(out, t, style->color, rows[i]);
		fputc('\n', out);
		s.track = rows[i]->track;
		if (has_strip(rows[i]))
			strips_below(out, &s, style->color);
	}
	if (!s.rows)
		return;
	for (int i = 0; i < p->layout->blanks; i++)
		fputc('\n', out);
	fprintf(out, "%*s", STRIP_INDENT, "");
	strip_axis(out, &s, p->scoreboard->period, style->color);
	fputc('\n', out);
}

static void
member_rows_out(FILE *out, const struct table *t, const struct table_style *style,
    const struct member_row **rows)
{
	const struct member_page *p = t->report;
	const struct member_layout *l = p->layout;
	size_t count = p->scoreboard->count, first = 0;
	size_t own = own_row(p->scoreboard);
	size_t shown = count <= l->rows ? count : l->rows - 1;

	if (l->view)
		first = view_first(l->view, count, shown);
	for (size_t i = 0; i < count; i++)
		rows[i] = &p->scoreboard->rows[i];
	rows_sort(rows, count, l->view ? l->view->order : ORDER_NAME);
	if (!first && shown && own >= shown && (!l->view ||
	    l->view->order == ORDER_NAME))
		rows[shown - 1] = &p->scoreboard->rows[own];
	rows_out(out, t, style, rows + first, shown);
	members_left_out(out, l->view, style->columns, first,
	    count - first - shown);
}

void
member_table(FILE *out, const struct scoreboard *b,
    const struct table_style *style, const struct member_layout *layout)
{
	const struct member_page page = { b, layout };
	const struct member_row **rows = calloc(b->count + 1,
	    sizeof(const struct member_row *));
	struct table t = {
		.column = columns, .count = COLUMNS, .report = &page,
		.rows = b->rows, .row_count = b->count,
		.row_size = sizeof(*b->rows),
	};

	if (!rows)
		return;
	table_fit(&t, style->columns);
	if (layout->headline) {
		table_head(out, &t, style->color);
		fputc('\n', out);
	}
	member_rows_out(out, &t, style, rows);
	free(rows);
}

static bool
has_tracks(const struct scoreboard *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->rows[i].track)
			return true;
	return false;
}

int
member_table_fit(const struct scoreboard *b, struct member_layout *l, int lines)
{
	int used = (int)(b->count < l->rows ? b->count : l->rows);
	int room = lines - l->headline - used - 1, strips = 0;

	for (size_t i = 0; i < b->count; i++)
		strips += has_strip(&b->rows[i]);
	l->strip_column = has_tracks(b);
	if (!l->strip_column || room < strips || b->count > l->rows)
		return used + l->headline;
	l->strip_column = false;
	l->strip_rows = room / strips;
	l->blanks = room % strips;
	return lines;
}
