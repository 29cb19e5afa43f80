/*
 * How it works. The columns are a table. Each is as wide as its widest cell,
 * and what is left of the terminal's width is for bars. Where it is too
 * narrow the bars go first, then the columns by their rank.
 */
#include "report/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "report/plot.h"

enum {
	CELL = TABLE_CELL,
	BAR_LEAST = 6,
};

struct page {
	FILE *out;
	const struct scoreboard *registry;
	const struct table_style *style;
	bool labelled;			/* commands stand where names do */
	int64_t most;			/* the largest since */
	int64_t total;			/* of all since */
};

struct column {
	const char *head;
	int rank;			/* lower goes first; 0: never */
	bool right;			/* numbers */
	/* Whether it has something to say. */
	bool (*wanted)(const struct scoreboard *);
	void (*text)(const struct page *, const struct member_row *,
	    char cell[static CELL]);
};

int
table_cells(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

void
ink(FILE *out, const struct table_style *style, enum ink color,
    const char *text)
{
	static const char *const codes[] = { "", "1", "32", "31", "2" };

	if (style->color && color != PLAIN && *text)
		fprintf(out, "\033[%sm%s\033[0m", codes[color], text);
	else
		fputs(text, out);
}

void
table_plain(const char *raw, char cell[static CELL])
{
	char safe[CELL];
	size_t length = strnlen(raw, (CELL - 1) / ESCAPE_MAX);
	char *to = cell;

	escape(raw, length, false, safe);
	for (const char *from = safe; *from; from++)
		if (!(*from & 0x80))
			*to++ = *from;
		else if (*from & 0x40)
			*to++ = '?';
	*to = '\0';
}

void
table_number(int64_t n, char cell[static CELL])
{
	if (n < 0)
		snprintf(cell, CELL, "-");
	else
		snprintf(cell, CELL, "%lld", (long long)n);
}

static void
percent(double part, char cell[static CELL])
{
	if (isnan(part))
		snprintf(cell, CELL, "-");
	else
		snprintf(cell, CELL, "%.1f %%", 100 * part);
}

static void
name_text(const struct page *p, const struct member_row *r,
    char cell[static CELL])
{
	char label[CELL - 2] = "-";

	if (r->name)
		snprintf(label, sizeof(label), "%.24s", r->name);
	else if (p->labelled && r->command && *r->command) {
		char command[CELL];

		table_plain(r->command, command);
		snprintf(label, sizeof(label), "%.16s", command);
	}
	snprintf(cell, CELL, "%c %s", r->own ? '>' : ' ', label);
}

static void
pid_text(const struct page *p, const struct member_row *r,
    char cell[static CELL])
{
	(void)p;
	table_number(r->pid, cell);
}

static void
command_text(const struct page *p, const struct member_row *r,
    char cell[static CELL])
{
	(void)p;
	if (r->command && *r->command)
		table_plain(r->command, cell);
	else
		snprintf(cell, CELL, "-");
}

static void
accepted_text(const struct page *p, const struct member_row *r,
    char cell[static CELL])
{
	(void)p;
	table_number(r->accepted, cell);
}

static void
since_text(const struct page *p, const struct member_row *r,
    char cell[static CELL])
{
	(void)p;
	table_number(r->since, cell);
}

static void
share_text(const struct page *p, const struct member_row *r,
    char cell[static CELL])
{
	percent(r->since < 0 || !p->total ? NAN :
	    (double)r->since / (double)p->total, cell);
}

static void
expected_text(const struct page *p, const struct member_row *r,
    char cell[static CELL])
{
	(void)p;
	percent(r->expected, cell);
}

static void
rate_text(const struct page *p, const struct member_row *r,
    char cell[static CELL])
{
	(void)p;
	if (isnan(r->rate))
		snprintf(cell, CELL, "-");
	else
		snprintf(cell, CELL, "%.*f", r->rate > 0 && r->rate < 10,
		    r->rate);
}

static void
open_text(const struct page *p, const struct member_row *r,
    char cell[static CELL])
{
	(void)p;
	table_number(r->open, cell);
}

static void
queue_text(const struct page *p, const struct member_row *r,
    char cell[static CELL])
{
	(void)p;
	if (r->queue < 0)
		snprintf(cell, CELL, "-");
	else if (r->limit < 0)
		table_number(r->queue, cell);
	else
		snprintf(cell, CELL, "%lld/%lld", (long long)r->queue,
		    (long long)r->limit);
}

static void
drops_text(const struct page *p, const struct member_row *r,
    char cell[static CELL])
{
	(void)p;
	table_number(r->drops, cell);
}

static void
state_text(const struct page *p, const struct member_row *r,
    char cell[static CELL])
{
	(void)p;
	snprintf(cell, CELL, "%s", r->state ? r->state : "-");
}

static bool
always(const struct scoreboard *b)
{
	(void)b;
	return true;
}

static bool
is_counted(const struct scoreboard *b)
{
	return !b->probed;
}

static bool
has_pid(const struct scoreboard *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->rows[i].pid >= 0)
			return true;
	return !b->probed;
}

static bool
has_command(const struct scoreboard *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->rows[i].command)
			return true;
	return !b->probed;
}

static bool
has_state(const struct scoreboard *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->rows[i].state)
			return true;
	return !b->probed;
}

static bool
is_probed(const struct scoreboard *b)
{
	return b->probed;
}

/* Some were not accepted: what others have in their queues isn't known. */
static bool
has_queued(const struct scoreboard *b)
{
	for (size_t i = 0; b->probed && i < b->count; i++)
		if (b->rows[i].queue > 0)
			return true;
	return false;
}

/* Something was accepted before the last change. */
static bool
has_before(const struct scoreboard *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->rows[i].since != b->rows[i].accepted)
			return true;
	return false;
}

/* The members don't all expect the same. */
static bool
has_weights(const struct scoreboard *b)
{
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

enum { NAME, PID, COMMAND, BAR, ACCEPTED, COUNT, SINCE, SHARE, EXPECTED, RATE,
	QUEUED, OPEN, QUEUE, DROPS, STATE, COLUMNS };

static const struct column table[COLUMNS] = {
	[NAME] = { "  name", 0, false, always, name_text },
	[PID] = { "pid", 2, true, has_pid, pid_text },
	[COMMAND] = { "command", 3, false, has_command, command_text },
	[BAR] = { "", 0, false, always, NULL },
	[ACCEPTED] = { "accepted", 0, true, is_counted, accepted_text },
	[COUNT] = { "count", 0, true, is_probed, accepted_text },
	[SINCE] = { "since", 4, true, has_before, since_text },
	[SHARE] = { "share", 7, true, always, share_text },
	[EXPECTED] = { "wanted", 5, true, has_weights, expected_text },
	[RATE] = { "/s", 0, true, is_probed, rate_text },
	[QUEUED] = { "queued", 6, true, has_queued, queue_text },
	[OPEN] = { "open", 6, true, is_counted, open_text },
	[QUEUE] = { "queue/of", 0, true, is_counted, queue_text },
	[DROPS] = { "drops", 1, true, is_counted, drops_text },
	[STATE] = { "state", 0, false, has_state, state_text },
};

static int
width_of(const struct page *p, const struct column *c)
{
	int width = table_cells(c->head);
	char cell[CELL];

	if (!c->text || !c->wanted(p->registry))
		return 0;
	for (size_t i = 0; i < p->registry->count; i++) {
		c->text(p, &p->registry->rows[i], cell);
		if (table_cells(cell) > width)
			width = table_cells(cell);
	}
	return width;
}

/* The column that goes first, or -1. */
static int
next_to_go(const int widths[static COLUMNS])
{
	int found = -1;

	for (int i = 0; i < COLUMNS; i++)
		if (widths[i] && table[i].rank && (found < 0 ||
		    table[i].rank < table[found].rank))
			found = i;
	return found;
}

/* Fits the columns, and gives the bars what is left. */
static void
fit(struct page *p, int widths[static COLUMNS])
{
	int sum = -1, gone;

	for (int i = 0; i < COLUMNS; i++) {
		widths[i] = width_of(p, &table[i]);
		sum += widths[i] ? widths[i] + 1 : 0;
	}
	while (sum > p->style->columns && (gone = next_to_go(widths)) >= 0) {
		sum -= widths[gone] + 1;
		widths[gone] = 0;
		if (gone != COMMAND)
			continue;
		p->labelled = true;
		sum -= widths[NAME];
		widths[NAME] = width_of(p, &table[NAME]);
		sum += widths[NAME];
	}
	sum = p->style->columns - sum - 1;
	widths[BAR] = sum < BAR_LEAST ? 0 : sum < BAR_CELLS ? sum : BAR_CELLS;
}

static enum ink
paint_of(int column, const struct member_row *r)
{
	if (column == NAME && r->own)
		return BOLD;
	if (column == STATE && r->state && strcmp(r->state, "running") != 0)
		return RED;
	if (column == QUEUE && r->queue > 0)
		return RED;
	return PLAIN;
}

/* A cell of a line, r NULL: of the headline. */
static void
cell_out(const struct page *p, int column, int width,
    const struct member_row *r)
{
	const struct column *c = &table[column];
	char cell[CELL], bar[BAR_TEXT];
	int pad;

	if (!r)
		snprintf(cell, sizeof(cell), "%s", c->head);
	else if (column == BAR)
		snprintf(cell, sizeof(cell), "%s", bar_cells(p->most > 0 &&
		    r->since > 0 ? (double)r->since / (double)p->most : 0,
		    width, bar));
	else
		c->text(p, r, cell);
	pad = width - table_cells(cell);
	fprintf(p->out, "%*s", c->right && pad > 0 ? pad : 0, "");
	ink(p->out, p->style, r ? paint_of(column, r) : DIM, cell);
	if (!c->right && pad > 0 && column != STATE)
		fprintf(p->out, "%*s", pad, "");
}

static void
row_out(const struct page *p, const int widths[static COLUMNS],
    const struct member_row *r)
{
	for (int i = 0; i < COLUMNS; i++) {
		if (!widths[i])
			continue;
		if (i)
			fputc(' ', p->out);
		cell_out(p, i, widths[i], r);
	}
	fputc('\n', p->out);
}

static struct page
page_of(FILE *out, const struct scoreboard *b, const struct table_style *s)
{
	struct page p = { .out = out, .registry = b, .style = s };

	for (size_t i = 0; i < b->count; i++) {
		int64_t since = b->rows[i].since;

		p.total += since > 0 ? since : 0;
		if (since > p.most)
			p.most = since;
	}
	return p;
}

/* Who asks, or the first; it is shown though there is little room. */
static size_t
own_row(const struct scoreboard *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->rows[i].own)
			return i;
	return 0;
}

void
table_table(FILE *out, const struct scoreboard *b,
    const struct table_style *style, bool headline, size_t rows)
{
	struct page p = page_of(out, b, style);
	size_t shown = b->count <= rows ? b->count : rows - 1;
	int widths[COLUMNS];

	fit(&p, widths);
	if (headline)
		row_out(&p, widths, NULL);
	for (size_t i = 0; i < shown; i++)
		row_out(&p, widths, i + 1 == shown && own_row(b) > i ?
		    &b->rows[own_row(b)] : &b->rows[i]);
	if (shown < b->count)
		fprintf(out, "  ... and %zu more\n", b->count - shown);
}
