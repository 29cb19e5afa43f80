/*
 * How it works. Columns are a table, as those of the scoreboard: each is as
 * wide as its widest cell, those without anything to say are left out, and
 * where the lines are too long still, others go by their rank.
 */
#include "report/group.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "report/table.h"

#define MEMBER(name, type, member) FIELD(group_member, name, type, member)
#define GROUP(name, type, member) FIELD(group_report, name, type, member)

static const struct field group_member_fields[] = {
	MEMBER("index", FIELD_NUMBER, index),
	MEMBER("name", FIELD_TEXT, name),
	MEMBER("pid", FIELD_NUMBER, pid),
	MEMBER("uid", FIELD_NUMBER, uid),
	MEMBER("user", FIELD_TEXT, user),
	MEMBER("command", FIELD_TEXT, command),
	MEMBER("holders", FIELD_NUMBER, holders),
	MEMBER("queue", FIELD_NUMBER, queue),
	MEMBER("limit", FIELD_NUMBER, limit),
	MEMBER("half_open", FIELD_NUMBER, half_open),
	MEMBER("drops", FIELD_NUMBER, drops),
	MEMBER("oldest_wait", FIELD_SECONDS, oldest_wait),
	MEMBER("state", FIELD_TEXT, state),
	MEMBER("reuseport", FIELD_MAYBE, reuseport),
	MEMBER("reuseaddr", FIELD_MAYBE, reuseaddr),
	MEMBER("flags", FIELD_WORDS, flags),
	{ 0 },
};

static const struct field group_loss_fields[] = {
	FIELD(group_loss, "traffic", FIELD_TEXT, traffic),
	FIELD(group_loss, "to", FIELD_TEXT, to),
	{ 0 },
};

const struct field group_fields[] = {
	GROUP("protocol", FIELD_TEXT, protocol),
	GROUP("address", FIELD_HOST, address),
	GROUP("port", FIELD_PORT, address),
	GROUP("interface", FIELD_TEXT, interface),
	GROUP("v6only", FIELD_MAYBE, v6only),
	FIELD_EACH(group_report, "members", members, group_member_fields,
	    group_member, member_count),
	GROUP("oldest_wait", FIELD_SECONDS, oldest_wait),
	GROUP("steering", FIELD_TEXT, steering),
	FIELD_EACH(group_report, "loses", losses, group_loss_fields,
	    group_loss, loss_count),
	GROUP("flags", FIELD_WORDS, flags),
	FIELD_FROM(group_report, "finding", FIELD_OBJECT, finding,
	    finding_fields),
	{ 0 },
};

enum { CELL = TABLE_CELL };

static const struct {
	const char *name, *meaning;
} flag_types[GROUP_FLAGS] = {
	[GROUP_STUCK] = { "STUCK", "clients wait, and none is accepted" },
	[GROUP_FULL] = { "FULL", "the queue is over its limit: what comes is "
	    "dropped" },
	[GROUP_NOT_LISTENING] = { "NOT-LISTENING", "bound, gets nothing "
	    "before it listens" },
	[GROUP_SHADOWED] = { "SHADOWED", NULL },
	[GROUP_ONE_SOCKET] = { "ONE-SOCKET", "many processes, one queue: no "
	    "reuseport here" },
	[GROUP_HIJACKABLE] = { "HIJACKABLE", "SO_REUSEADDR: any user may bind "
	    "here too, and gets all" },
	[GROUP_QUARANTINED] = { "QUARANTINED", "new ones go to others, as "
	    "rpnc probe --quarantine wishes" },
};

static void
flag_add(struct group_flags *f, const char *name)
{
	for (int i = 0; i < GROUP_FLAGS; i++) {
		if (f->names[i] == name)
			return;
		if (!f->names[i]) {
			f->names[i] = name;
			return;
		}
	}
}

void
group_flag_set(struct group_flags *f, enum group_flag flag)
{
	flag_add(f, flag_types[flag].name);
}

void
group_flags_add(struct group_flags *f, const struct group_flags *more)
{
	for (int i = 0; more->names[i]; i++)
		flag_add(f, more->names[i]);
}

static void
text(const char *raw, char cell[static CELL])
{
	if (raw && *raw)
		table_plain(raw, cell);
	else
		snprintf(cell, CELL, "-");
}

static void
index_cell(const struct group_member *m, char cell[static CELL])
{
	table_number(m->index, cell);
}

static void
name_cell(const struct group_member *m, char cell[static CELL])
{
	text(m->name, cell);
}

static void
pid_cell(const struct group_member *m, char cell[static CELL])
{
	if (m->holders > 1 && m->pid < 0)
		snprintf(cell, CELL, "%lld of them", (long long)m->holders);
	else
		table_number(m->pid, cell);
}

static void
user_cell(const struct group_member *m, char cell[static CELL])
{
	text(m->user, cell);
}

static void
command_cell(const struct group_member *m, char cell[static CELL])
{
	text(m->command, cell);
}

static void
queue_cell(const struct group_member *m, char cell[static CELL])
{
	if (m->queue < 0)
		snprintf(cell, CELL, "-");
	else if (m->limit < 0)
		table_number(m->queue, cell);
	else
		snprintf(cell, CELL, "%lld/%lld", (long long)m->queue,
		    (long long)m->limit);
}

static void
half_cell(const struct group_member *m, char cell[static CELL])
{
	table_number(m->half_open, cell);
}

static void
drops_cell(const struct group_member *m, char cell[static CELL])
{
	table_number(m->drops, cell);
}

static void
oldest_cell(const struct group_member *m, char cell[static CELL])
{
	char time[NUM_TEXT];

	if (isnan(m->oldest_wait))
		snprintf(cell, CELL, "-");
	else
		snprintf(cell, CELL, "%s",
		    duration_text((int64_t)(m->oldest_wait * 1e6), time));
}

static void
state_cell(const struct group_member *m, char cell[static CELL])
{
	text(m->state, cell);
}

static void
flags_cell(const struct group_member *m, char cell[static CELL])
{
	size_t used = 0;

	*cell = '\0';
	for (int i = 0; m->flags[i]; i++)
		used += (size_t)snprintf(cell + used, CELL - used, "%s%s",
		    i ? "," : "", m->flags[i]);
}

enum { INDEX, NAME, PID, USER, COMMAND, QUEUE, HALF, DROPS, OLDEST, STATE,
	FLAGS, COLUMNS };

static const struct column {
	const char *head;
	int rank;		/* lower goes first; 0: never */
	bool right;
	bool always;		/* also where it has nothing to say */
	void (*cell)(const struct group_member *, char cell[static CELL]);
} table[COLUMNS] = {
	[INDEX] = { "index", 4, true, false, index_cell },
	[NAME] = { "name", 0, false, false, name_cell },
	[PID] = { "pid", 0, true, true, pid_cell },
	[USER] = { "user", 2, false, true, user_cell },
	[COMMAND] = { "command", 5, false, true, command_cell },
	[QUEUE] = { "queue/of", 0, true, true, queue_cell },
	[HALF] = { "half-open", 1, true, false, half_cell },
	[DROPS] = { "drops", 3, true, false, drops_cell },
	[OLDEST] = { "oldest", 6, true, false, oldest_cell },
	[STATE] = { "state", 7, false, true, state_cell },
	[FLAGS] = { "", 0, false, false, flags_cell },
};

/* A nought is worth no column, except as an index. */
static bool
says_something(int column, const char *cell)
{
	return *cell && strcmp(cell, "-") != 0 &&
	    (column == INDEX || strcmp(cell, "0") != 0);
}

static int
width_of(const struct group_report *r, int column)
{
	const struct column *c = &table[column];
	int width = table_cells(c->head);
	bool wanted = c->always;
	char cell[CELL];

	for (size_t i = 0; i < r->member_count; i++) {
		c->cell(&r->members[i], cell);
		wanted |= says_something(column, cell);
		if (table_cells(cell) > width)
			width = table_cells(cell);
	}
	return wanted ? width : 0;
}

static void
fit(const struct group_report *r, int columns, int widths[static COLUMNS])
{
	int sum = 1;

	for (int i = 0; i < COLUMNS; i++) {
		widths[i] = width_of(r, i);
		sum += widths[i] ? widths[i] + 1 : 0;
	}
	while (sum > columns) {
		int gone = -1;

		for (int i = 0; i < COLUMNS; i++)
			if (widths[i] && table[i].rank && (gone < 0 ||
			    table[i].rank < table[gone].rank))
				gone = i;
		if (gone < 0)
			break;
		sum -= widths[gone] + 1;
		widths[gone] = 0;
	}
}

/* A line of the table; m NULL: its head. */
static void
row_out(FILE *out, const struct table_style *style,
    const int widths[static COLUMNS], const struct group_member *m)
{
	char cell[CELL], line[COLUMNS * (CELL + 1)];
	size_t used = 0, flags = 0;

	for (int i = 0; i < COLUMNS; i++) {
		if (!widths[i])
			continue;
		snprintf(cell, sizeof(cell), "%s", table[i].head);
		if (m)
			table[i].cell(m, cell);
		if (i == FLAGS)
			flags = used;
		used += (size_t)snprintf(line + used, sizeof(line) - used,
		    table[i].right ? "%*s " : "%-*s ", widths[i], cell);
	}
	while (used && line[used - 1] == ' ')
		line[--used] = '\0';
	fputs("\n  ", out);
	if (flags && flags < used) {
		fprintf(out, "%.*s", (int)flags, line);
		ink(out, style, RED, line + flags);
	} else {
		ink(out, style, m ? PLAIN : DIM, line);
	}
}

static void
flags_out(FILE *out, const struct group_report *r,
    const struct table_style *style)
{
	for (int i = 0; i < GROUP_FLAGS; i++)
		for (int j = 0; r->flags[j]; j++) {
			if (r->flags[j] != flag_types[i].name ||
			    !flag_types[i].meaning)
				continue;
			fputs("\n  ", out);
			ink(out, style, RED, r->flags[j]);
			fprintf(out, ": %s", flag_types[i].meaning);
		}
	for (size_t i = 0; i < r->loss_count; i++) {
		fputs("\n  ", out);
		ink(out, style, RED, flag_types[GROUP_SHADOWED].name);
		fprintf(out, ": %s goes to %s", r->losses[i].traffic,
		    r->losses[i].to);
	}
}

/* Whether a member's own age says the same. */
static bool
is_said(const struct group_report *r)
{
	for (size_t i = 0; i < r->member_count; i++)
		if (!isnan(r->members[i].oldest_wait))
			return true;
	return false;
}

void
group_human(FILE *out, const struct group_report *r, int columns, bool color)
{
	const struct table_style paint = { columns, color }, *style = &paint;
	int widths[COLUMNS];
	char time[NUM_TEXT];

	fit(r, columns, widths);
	if (r->further)
		fputc('\n', out);
	ink(out, style, BOLD, r->place);
	fprintf(out, " %s, %zu socket%s", r->protocol, r->member_count,
	    r->member_count == 1 ? "" : "s");
	if (r->steering)
		fprintf(out, ", steering: %s", r->steering);
	finding_human(out, r->findings, 2);
	row_out(out, style, widths, NULL);
	for (size_t i = 0; i < r->member_count; i++)
		row_out(out, style, widths, &r->members[i]);
	if (!isnan(r->oldest_wait) && !is_said(r))
		fprintf(out, "\n  the oldest client waits for %s in one of "
		    "the queues", duration_text((int64_t)(r->oldest_wait *
		    1e6), time));
	flags_out(out, r, style);
}
