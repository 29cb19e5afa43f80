/*
 * The table of a port's members. The prompt shows the members of its group in
 * it, and --watch shows the members that a probe has met. The functions under
 * `wanted` say which columns each of the two has.
 */
#include "report/member_table.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "report/fairness.h"

enum { NAME_CELLS = 24, COMMAND_CELLS = 16 };

enum { NAME, PID, COMMAND, BAR, ACCEPTED, COUNT, SINCE, SHARE, EXPECTED, RATE,
	QUEUED, OPEN, QUEUE, DROPS, STATE, COLUMNS };

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
	const struct scoreboard *b = c->table->report;
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
	const struct scoreboard *b = c->table->report;
	double most = 0;

	for (size_t i = 0; i < b->count; i++)
		most = fmax(most, bar_end(since_bar_of(b, &b->rows[i], 1)));
	return since_bar_of(b, c->row, most);
}

static bool
is_probed(const struct table_cell *c)
{
	const struct scoreboard *b = c->table->report;

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
	const struct scoreboard *b = c->table->report;

	for (size_t i = 0; i < b->count; i++)
		if (b->rows[i].since != b->rows[i].accepted)
			return true;
	return false;
}

/* The members expect different shares. */
static bool
has_weights(const struct table_cell *c)
{
	const struct scoreboard *b = c->table->report;
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
	    offsetof(struct member_row, member), NULL, NULL }
#define FIGURE(head, rank, wanted, text) \
	{ head, rank, 1, 0, true, wanted, text, 0, NULL, NULL }

static const struct table_column columns[COLUMNS] = {
	[NAME] = { "  name", .text = name_cell, .color = name_color },
	[PID] = NUMBER("pid", 2, is_known, pid),
	[COMMAND] = { "command", 3, 1, .wanted = is_known,
	    .text = table_text_at, .at = offsetof(struct member_row, command) },
	[BAR] = { "", .gap = 1, .bar = since_bar },
	[ACCEPTED] = NUMBER("accepted", 0, is_counted, accepted),
	[COUNT] = NUMBER("count", 0, is_probed, accepted),
	[SINCE] = NUMBER("since", 4, has_before, since),
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
};

/* Our own member, or the first; a table with few rows still shows it. */
static size_t
own_row(const struct scoreboard *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->rows[i].own)
			return i;
	return 0;
}

void
member_table(FILE *out, const struct scoreboard *b,
    const struct table_style *style, bool headline, size_t rows)
{
	size_t shown = b->count <= rows ? b->count : rows - 1;
	struct table t = {
		.column = columns, .count = COLUMNS, .report = b,
		.rows = b->rows, .row_count = b->count,
		.row_size = sizeof(*b->rows),
	};

	table_fit(&t, style->columns);
	if (headline) {
		table_head(out, &t, style->color);
		fputc('\n', out);
	}
	for (size_t i = 0; i < shown; i++) {
		size_t row = i + 1 == shown && own_row(b) > i ? own_row(b) : i;

		table_row(out, &t, style->color, &b->rows[row]);
		fputc('\n', out);
	}
	if (shown < b->count)
		fprintf(out, "  ... and %zu more\n", b->count - shown);
}
