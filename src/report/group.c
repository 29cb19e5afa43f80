/*
 * One group of --group for people: a heading, the findings, what each flag
 * means, and a table of the sockets. inspect makes the data.
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
	MEMBER("name", FIELD_TEXT, who.name),
	MEMBER("pid", FIELD_NUMBER, who.pid),
	MEMBER("uid", FIELD_NUMBER, who.uid),
	MEMBER("user", FIELD_TEXT, user),
	MEMBER("command", FIELD_TEXT, who.command),
	MEMBER("holders", FIELD_NUMBER, holders),
	MEMBER("queue", FIELD_NUMBER, queue),
	MEMBER("limit", FIELD_NUMBER, limit),
	MEMBER("half_open", FIELD_NUMBER, half_open),
	MEMBER("drops", FIELD_NUMBER, drops),
	MEMBER("oldest_wait", FIELD_SECONDS, oldest_wait),
	MEMBER("state", FIELD_TEXT, state),
	MEMBER("reuseport", FIELD_MAYBE, reuseport),
	MEMBER("reuseaddr", FIELD_MAYBE, reuseaddr),
	MEMBER("mptcp", FIELD_MAYBE, mptcp),
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
	GROUP("sockets", FIELD_COUNT, sockets),
	GROUP("processes", FIELD_NUMBER, processes),
	GROUP("oldest_wait", FIELD_SECONDS, oldest_wait),
	GROUP("steering", FIELD_TEXT, steering),
	GROUP("steered", FIELD_MAYBE, steered),
	FIELD_EACH(group_report, "loses", losses, group_loss_fields,
	    group_loss, loss_count),
	GROUP("flags", FIELD_WORDS, flags),
	FIELD(group_report, "verdict", FIELD_TEXT, verdict),
	FIELD_FROM(group_report, "finding", FIELD_OBJECT, finding,
	    finding_fields),
	{ 0 },
};

enum { INDENT = 2 };

static void
group_pid_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct group_member *m = c->row;

	if (m->holders > 1 && m->who.pid < 0)
		snprintf(text, TABLE_TEXT, "%lld of them",
		    (long long)m->holders);
	else
		table_number(m->who.pid, text);
}

static void
group_queue_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct group_member *m = c->row;

	table_queue(m->queue, m->limit, text);
}

static void
oldest_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct group_member *m = c->row;
	char time[NUM_TEXT];

	snprintf(text, TABLE_TEXT, "%s", seconds_text(m->oldest_wait, time));
}

static void
flags_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct group_member *m = c->row;
	size_t used = 0;

	*text = '\0';
	for (int i = 0; m->flags[i]; i++)
		used += (size_t)snprintf(text + used, TABLE_TEXT - used,
		    "%s%s", i ? "," : "", m->flags[i]);
}

static enum color
flags_color(const struct table_cell *c)
{
	(void)c;
	return RED;
}

/* The heading has the protocol; only what differs from it is told. */
static void
group_protocol_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct group_member *m = c->row;

	snprintf(text, TABLE_TEXT, "%s", m->mptcp == 1 ? "mptcp" : "");
}

enum { INDEX, NAME, PID, USER, COMMAND, PROTOCOL, QUEUE, HALF, DROPS, OLDEST, STATE,
	FLAGS, COLUMNS };

#define NUMBER(head, rank, wanted, member) \
	{ head, rank, 1, 0, true, wanted, table_number_at, \
	    offsetof(struct group_member, member), NULL, NULL, NULL }
#define TEXT(head, rank, wanted, member) \
	{ head, rank, 1, 0, false, wanted, table_text_at, \
	    offsetof(struct group_member, member), NULL, NULL, NULL }

/* A column that has only zeros is left out, except the index. */
static const struct table_column columns[COLUMNS] = {
	[INDEX] = NUMBER("index", 4, table_has_text, index),
	[NAME] = TEXT("name", 0, table_has_text, who.name),
	[PID] = { "pid", 0, 1, .right = true, .text = group_pid_cell },
	[USER] = TEXT("user", 2, NULL, user),
	[COMMAND] = TEXT("command", 5, NULL, who.command),
	[PROTOCOL] = { "protocol", 0, 1, .wanted = table_has_text,
	    .text = group_protocol_cell },
	[QUEUE] = { "queue/of", 0, 1, .right = true, .text = group_queue_cell },
	[HALF] = NUMBER("half-open", 1, table_has_figure, half_open),
	[DROPS] = NUMBER("drops", 3, table_has_figure, drops),
	[OLDEST] = { "oldest", 6, 1, .right = true,
	    .wanted = table_has_figure, .text = oldest_cell },
	[STATE] = TEXT("state", 7, NULL, state),
	[FLAGS] = { "", .gap = 1, .wanted = table_has_text, .text = flags_cell,
	    .color = flags_color },
};

static void
members_out(FILE *out, const struct group_report *r,
    const struct table_style *style)
{
	struct table t = {
		.column = columns, .count = COLUMNS, .rows = r->members,
		.row_count = r->member_count, .row_size = sizeof(*r->members),
	};

	table_fit(&t, style->columns - INDENT);
	fprintf(out, "\n%*s", INDENT, "");
	table_head(out, &t, style->color);
	for (size_t i = 0; i < r->member_count; i++) {
		fprintf(out, "\n%*s", INDENT, "");
		table_row(out, &t, style->color, &r->members[i]);
	}
	if (t.width[HALF])
		fprintf(out, "\n%*shalf-open: connections whose handshake is "
		    "not complete", INDENT, "");
}

static void
flag_out(FILE *out, const char *name, const struct table_style *style)
{
	fputs("\n  ", out);
	paint(out, style->color, RED, "%s", name);
}

static void
flags_out(FILE *out, const struct group_report *r,
    const struct table_style *style)
{
	for (enum group_flag i = 0; i < GROUP_FLAGS; i++)
		for (int j = 0; r->flags[j]; j++) {
			const char *meaning = group_flag_meaning(i);

			if (r->flags[j] != group_flag_name(i) || !meaning)
				continue;
			flag_out(out, r->flags[j], style);
			fprintf(out, ": %s", meaning);
		}
	for (size_t i = 0; i < r->loss_count; i++) {
		flag_out(out, group_flag_name(GROUP_SHADOWED), style);
		fprintf(out, ": %s goes to %s", r->losses[i].traffic,
		    r->losses[i].to);
	}
}

/* Whether a row of the table already shows the age of the oldest client. */
static bool
is_age_shown(const struct group_report *r)
{
	for (size_t i = 0; i < r->member_count; i++)
		if (!isnan(r->members[i].oldest_wait))
			return true;
	return false;
}

/* If nothing is wrong, this is the finding. */
static void
group_calm_out(FILE *out, const struct group_report *r, bool colored)
{
	bool waits = false;

	if (r->finding || r->flags[0] || r->loss_count)
		return;
	for (size_t i = 0; i < r->member_count; i++)
		waits |= r->members[i].queue > 0;
	fprintf(out, "\n%*s", INDENT, "");
	paint(out, colored, GREEN, "%s", waits ? "no queue is stuck" :
	    "nothing waits in a queue");
}

void
group_human(FILE *out, const struct group_report *r,
    const struct table_style *style)
{
	char time[NUM_TEXT];

	if (r->further)
		fputc('\n', out);
	paint(out, style->color, BOLD, "%s", r->place);
	fprintf(out, " %s, %zu socket%s", r->protocol, r->member_count,
	    r->member_count == 1 ? "" : "s");
	if (r->steering)
		fprintf(out, ", steering: %s", r->steering);
	finding_human(out, r->findings, INDENT, style->color);
	flags_out(out, r, style);
	group_calm_out(out, r, style->color);
	members_out(out, r, style);
	if (!isnan(r->oldest_wait) && !is_age_shown(r))
		fprintf(out, "\n  the oldest client waits for %s in one of "
		    "the queues", seconds_text(r->oldest_wait, time));
}
