/*
 * The report of --during for people. A time line has a column of the terminal
 * for each interval and a row (enum lane) for each outcome that occurred; the
 * rows `members` and `command` have the same columns. Below it stand the
 * changes, how the command ended, and the attempts that were lost.
 */
#include "report/during.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/escape.h"
#include "base/glyph.h"
#include "base/num.h"
#include "report/plot.h"
#include "report/table.h"

const char *const loss_names[LOSSES] = {
	[LOSS_REFUSED] = "refused", [LOSS_RESET] = "reset",
	[LOSS_ENDED] = "ended", [LOSS_TIMEOUT] = "timeout",
	[LOSS_PROXY] = "proxy", [LOSS_TLS] = "tls",
	[LOSS_ANSWER] = "answer", [LOSS_OTHER] = "other",
};

static const struct field loss_fields[] = {
	FIELD(probe_losses, "refused", FIELD_COUNT, at[LOSS_REFUSED]),
	FIELD(probe_losses, "reset", FIELD_COUNT, at[LOSS_RESET]),
	FIELD(probe_losses, "ended", FIELD_COUNT, at[LOSS_ENDED]),
	FIELD(probe_losses, "timeout", FIELD_COUNT, at[LOSS_TIMEOUT]),
	FIELD(probe_losses, "proxy", FIELD_COUNT, at[LOSS_PROXY]),
	FIELD(probe_losses, "tls", FIELD_COUNT, at[LOSS_TLS]),
	FIELD(probe_losses, "answer", FIELD_COUNT, at[LOSS_ANSWER]),
	FIELD(probe_losses, "other", FIELD_COUNT, at[LOSS_OTHER]),
	{ 0 },
};

static const struct field interval_fields[] = {
	FIELD(probe_interval, "at", FIELD_SECONDS, at),
	FIELD(probe_interval, "attempts", FIELD_COUNT, attempts),
	FIELD(probe_interval, "refused", FIELD_COUNT, lost.at[LOSS_REFUSED]),
	FIELD(probe_interval, "reset", FIELD_COUNT, lost.at[LOSS_RESET]),
	FIELD(probe_interval, "ended", FIELD_COUNT, lost.at[LOSS_ENDED]),
	FIELD(probe_interval, "timeout", FIELD_COUNT, lost.at[LOSS_TIMEOUT]),
	FIELD(probe_interval, "proxy", FIELD_COUNT, lost.at[LOSS_PROXY]),
	FIELD(probe_interval, "tls", FIELD_COUNT, lost.at[LOSS_TLS]),
	FIELD(probe_interval, "answer", FIELD_COUNT, lost.at[LOSS_ANSWER]),
	FIELD(probe_interval, "other", FIELD_COUNT, lost.at[LOSS_OTHER]),
	FIELD(probe_interval, "slow", FIELD_COUNT, slow),
	FIELD(probe_interval, "longest", FIELD_SECONDS, longest),
	{ 0 },
};

static const struct field change_fields[] = {
	FIELD(probe_change, "at", FIELD_SECONDS, at),
	FIELD(probe_change, "kind", FIELD_TEXT, kind),
	FIELD(probe_change, "name", FIELD_TEXT, name),
	FIELD(probe_change, "pid", FIELD_NUMBER, pid),
	FIELD(probe_change, "command", FIELD_TEXT, command),
	FIELD(probe_change, "waiting", FIELD_NUMBER, waiting),
	{ 0 },
};

const struct field during_fields[] = {
	FIELD(probe_during, "command", FIELD_TEXT, command),
	FIELD(probe_during, "started", FIELD_SECONDS, started),
	FIELD(probe_during, "ended", FIELD_SECONDS, ended),
	FIELD(probe_during, "status", FIELD_NUMBER, status),
	FIELD(probe_during, "signal", FIELD_NUMBER, signal),
	FIELD(probe_during, "lost", FIELD_COUNT, lost),
	FIELD_FROM(probe_during, "losses", FIELD_OBJECT, losses, loss_fields),
	FIELD(probe_during, "untried", FIELD_COUNT, untried),
	FIELD(probe_during, "skipped", FIELD_COUNT, skipped),
	FIELD(probe_during, "unproven", FIELD_COUNT, unproven),
	FIELD(probe_during, "slow", FIELD_COUNT, slow),
	FIELD(probe_during, "slow_after", FIELD_SECONDS, slow_after),
	FIELD(probe_during, "hold", FIELD_SECONDS, hold),
	FIELD(probe_during, "longest_gap", FIELD_SECONDS, longest_gap),
	FIELD(probe_during, "longest_gap_at", FIELD_SECONDS, longest_gap_at),
	FIELD(probe_during, "interval", FIELD_SECONDS, interval),
	FIELD_EACH(probe_during, "intervals", intervals, interval_fields,
	    probe_interval, interval_count),
	FIELD_EACH(probe_during, "changes", changes, change_fields,
	    probe_change, change_count),
	{ 0 },
};

enum { TABLE_MAX = 64, SHOWN_CHANGES = 12, NAME_SHOWN = 64,
	NAME_LEAST = 8, ROOM_LEAST = 8,
	BESIDE = 28 };	/* what stands beside the columns */

void
losses_add(struct probe_losses *into, const struct probe_losses *l)
{
	for (int i = 0; i < LOSSES; i++)
		into->at[i] += l->at[i];
}

uint64_t
losses_sum(const struct probe_losses *l)
{
	uint64_t sum = 0;

	for (int i = 0; i < LOSSES; i++)
		sum += l->at[i];
	return sum;
}

static size_t
timeline_columns_of(const struct probe_during *d)
{
	return d->interval_count < TABLE_MAX ? d->interval_count :
	    TABLE_MAX;
}

/* The rows of the timeline; a row without any event is left out. */
enum lane {
	LANE_ATTEMPTS, LANE_LOSS, LANE_SLOW = LANE_LOSS + LOSSES, LANE_LONGEST,
	LANES,
};

static bool
lane_is_loss(enum lane lane)
{
	return lane >= LANE_LOSS && lane < LANE_SLOW;
}

static const char *
lane_name(enum lane lane)
{
	return lane == LANE_ATTEMPTS ? "attempts" : lane == LANE_SLOW ? "slow" :
	    lane == LANE_LONGEST ? "longest" : loss_names[lane - LANE_LOSS];
}

static double
lane_value(const struct probe_interval *i, enum lane lane)
{
	if (lane == LANE_LONGEST)
		return isfinite(i->longest) ? i->longest : 0;
	if (lane_is_loss(lane))
		return (double)i->lost.at[lane - LANE_LOSS];
	return (double)(lane == LANE_SLOW ? i->slow : i->attempts);
}

/* A line of the timeline: a column of the terminal for each interval. */
struct lane_row {
	const char *name;
	bool lost;
	char cells[SPARK_TEXT(TABLE_MAX) + 2], total[NUM_TEXT + 16];
};

static size_t
lane_row(const struct probe_during *d, enum lane lane, struct lane_row *row)
{
	double values[TABLE_MAX], most = 0, sum = 0;
	char spark[SPARK_TEXT(TABLE_MAX)], time[NUM_TEXT];

	for (size_t i = 0; i < timeline_columns_of(d); i++) {
		values[i] = lane_value(&d->intervals[i], lane);
		most = fmax(most, values[i]);
		sum += values[i];
	}
	if (!(most > 0))
		return 0;
	row->name = lane_name(lane);
	row->lost = lane_is_loss(lane);
	snprintf(row->cells, sizeof(row->cells), "|%s|", spark_text(values,
	    timeline_columns_of(d), spark));
	if (lane == LANE_LONGEST)
		snprintf(row->total, sizeof(row->total), "%s",
		    seconds_text(most, time));
	else
		snprintf(row->total, sizeof(row->total), "%.0f", sum);
	return 1;
}

/* The column that a time falls in. */
static size_t
timeline_column_of(const struct probe_during *d, double at)
{
	size_t last = timeline_columns_of(d) ? timeline_columns_of(d) - 1 : 0;

	if (!(at > 0))
		return 0;
	return at / d->interval > (double)last ? last :
	    (size_t)(at / d->interval);
}

static size_t
members_row(const struct probe_during *d, struct lane_row *row)
{
	const char *const signs[] = { " ", "+", "-",
	    glyph(GLYPH_PLUS_MINUS) };
	unsigned seen[TABLE_MAX] = { 0 };
	char *to = row->cells;

	if (!d->change_count)
		return 0;
	for (size_t i = 0; i < d->change_count; i++)
		seen[timeline_column_of(d, d->changes[i].at)] |=
		    *d->changes[i].kind == 'j' ? 1 : 2;
	row->name = "members";
	to = stpcpy(to, "|");
	for (size_t i = 0; i < timeline_columns_of(d); i++)
		to = stpcpy(to, signs[seen[i]]);
	stpcpy(to, "|");
	return 1;
}

static size_t
command_row(const struct probe_during *d, struct lane_row *row)
{
	size_t first, last;
	char *to = row->cells;

	if (isnan(d->started))
		return 0;
	first = timeline_column_of(d, d->started);
	last = isnan(d->ended) ? timeline_columns_of(d) - 1 :
	    timeline_column_of(d, d->ended);
	row->name = "command";
	to = stpcpy(to, "|");
	for (size_t i = 0; i < timeline_columns_of(d); i++)
		to = stpcpy(to, i < first || i > last ? " " : first == last ?
		    "#" : i == first ? "[" : i < last || isnan(d->ended) ?
		    "=" : "]");
	stpcpy(to, "|");
	return 1;
}

static void
cells_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct lane_row *r = c->row;

	snprintf(text, TABLE_TEXT, "%s", r->cells);
}

static void
total_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct lane_row *r = c->row;

	snprintf(text, TABLE_TEXT, "%s", r->total);
}

static enum color
lost_color(const struct table_cell *c)
{
	const struct lane_row *r = c->row;

	return r->lost ? RED : PLAIN;
}

static const struct table_column timeline_columns[] = {
	{ "", .least = NAME_LEAST, .text = table_text_at,
	    .at = offsetof(struct lane_row, name), .color = lost_color },
	{ "", .gap = 1, .text = cells_cell },
	{ "", .gap = 1, .text = total_cell, .color = lost_color },
};

static void
timeline_rows(FILE *out, const struct probe_during *d, bool colored)
{
	struct lane_row rows[LANES + 2] = { 0 };
	struct table t = {
		.column = timeline_columns, .rows = rows,
		.count = sizeof(timeline_columns) /
		    sizeof(timeline_columns[0]), .row_size = sizeof(*rows),
	};

	for (enum lane lane = 0; lane < LANES; lane++)
		t.row_count += lane_row(d, lane, &rows[t.row_count]);
	t.row_count += members_row(d, &rows[t.row_count]);
	t.row_count += command_row(d, &rows[t.row_count]);
	table_fit(&t, 0);
	for (size_t i = 0; i < t.row_count; i++) {
		fputs("\n  ", out);
		table_row(out, &t, colored, &rows[i]);
	}
}

static const char *
safe_name(const char *raw, char text[static NAME_SHOWN * ESCAPE_MAX + 1])
{
	escape(raw, strnlen(raw, NAME_SHOWN), false, text);
	return text;
}

static void
during_change(FILE *out, const struct probe_change *c)
{
	char text[NAME_SHOWN * ESCAPE_MAX + 1], time[NUM_TEXT];
	bool joined = *c->kind == 'j';

	fprintf(out, "\n  %s %s", seconds_text(c->at, time), joined ? "+" :
	    "-");
	if (c->name)
		fprintf(out, " %s", safe_name(c->name, text));
	if (c->pid >= 0)
		fprintf(out, " pid %lld", (long long)c->pid);
	if (c->command)
		fprintf(out, " %s", safe_name(c->command, text));
	fprintf(out, " %s", c->kind);
	if (c->waiting > 0)
		fprintf(out, ", %lld waited in its queue just before",
		    (long long)c->waiting);
}

static void
during_changes(FILE *out, const struct probe_during *d)
{
	size_t n = d->change_count < SHOWN_CHANGES ? d->change_count :
	    SHOWN_CHANGES;
	unsigned long long more = d->unlisted;

	for (size_t i = 0; i < n; i++)
		during_change(out, &d->changes[i]);
	more += d->change_count - n;
	if (more)
		fprintf(out, "\n  and %llu more", more);
}

/* Adds what is in from to the interval to. */
static void
interval_add(struct probe_interval *to, const struct probe_interval *from)
{
	to->attempts += from->attempts;
	to->slow += from->slow;
	losses_add(&to->lost, &from->lost);
	if (!(to->longest > from->longest))
		to->longest = from->longest;
}

/* Makes one column of several intervals, so that they fit into the room. */
static void
intervals_fit(struct probe_during *d, struct probe_interval *merged,
    size_t room)
{
	size_t n = timeline_columns_of(d), each = (n + room - 1) / room;

	if (each < 2)
		return;
	for (size_t i = 0; i < n; i++)
		if (i % each)
			interval_add(&merged[i / each], &d->intervals[i]);
		else
			merged[i / each] = d->intervals[i];
	d->intervals = merged;
	d->interval_count = (n + each - 1) / each;
	d->interval *= (double)each;
}

static void
during_timeline(FILE *out, const struct probe_during *d,
    const struct table_style *style)
{
	struct probe_interval merged[TABLE_MAX] = { 0 };
	struct probe_during shown = *d;
	int room = style->columns - BESIDE;
	char time[NUM_TEXT];

	if (!d->interval_count)
		return;
	intervals_fit(&shown, merged, room > ROOM_LEAST ? (size_t)room :
	    ROOM_LEAST);
	fprintf(out, "\nover time, %s a column:",
	    seconds_text(shown.interval, time));
	timeline_rows(out, &shown, style->color);
	during_changes(out, &shown);
}

static void
during_outcome(FILE *out, const struct probe_during *d)
{
	char time[NUM_TEXT];

	if (isnan(d->started))
		fprintf(out, "\nthe command was not started");
	else if (isnan(d->ended))
		fprintf(out, "\nthe command has not ended");
	else if (d->signal > 0)
		fprintf(out, "\nthe command was killed by signal %lld (%s) "
		    "after %s", (long long)d->signal,
		    strsignal((int)d->signal),
		    seconds_text(d->ended - d->started, time));
	else
		fprintf(out, "\nthe command took %s: exit status %lld",
		    seconds_text(d->ended - d->started, time),
		    (long long)d->status);
}

/* "12 connections were due while ...", on a line of its own. */
static void
during_untried(FILE *out, uint64_t n, const char *why)
{
	if (n)
		fprintf(out, "\n%llu connection%s not tried, because %s: not "
		    "counted", (unsigned long long)n, n == 1 ? " was" :
		    "s were", why);
}

/* "longest gap between good answers 302 ms, from 412 ms on: over 100 ms" */
static void
during_gap(FILE *out, const struct probe_during *d, bool colored)
{
	bool over = during_gap_is_over(d);
	char time[NUM_TEXT];

	if (isnan(d->longest_gap))
		return;
	fputc('\n', out);
	paint(out, colored, over ? RED : PLAIN, "longest gap between good "
	    "answers %s", seconds_text(d->longest_gap, time));
	if (!isnan(d->longest_gap_at))
		fprintf(out, ", from %s on", seconds_text(d->longest_gap_at,
		    time));
	if (over)
		fprintf(out, ": over %s", seconds_text(d->max_gap, time));
	if (!isnan(d->hold))
		fprintf(out, "\neach waited %s before it sent",
		    seconds_text(d->hold, time));
}

bool
during_gap_is_over(const struct probe_during *d)
{
	return d->longest_gap > d->max_gap;
}

void
during_human(FILE *out, const struct probe_during *d,
    const struct table_style *style)
{
	char time[NUM_TEXT];

	during_timeline(out, d, style);
	during_outcome(out, d);
	during_gap(out, d, style->color);
	if (d->unproven)
		fprintf(out, "\n%llu connected, and no process was seen to "
		    "accept or end them: not counted as lost",
		    (unsigned long long)d->unproven);
	during_untried(out, d->untried, "this host had no port or descriptor "
	    "left");
	during_untried(out, d->skipped, "rpnc itself was stopped or had no "
	    "processor");
	if (d->slow)
		fprintf(out, "\n%llu took over %s: slow, but not lost",
		    (unsigned long long)d->slow,
		    seconds_text(d->slow_after, time));
}
