/*
 * How it works. A screen has lines in a fixed order; a line that has nothing to
 * say is left out. If there is too little room, lines are dropped by their
 * rank, and then members. If there is more than enough, a histogram of the
 * latencies comes last, and members get strips of their rates.
 */
#include "report/watch_screen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/latency_human.h"
#include "report/member_table.h"
#include "report/watch_lines.h"

enum {
	WIDE = 100,			/* columns, if the width is unknown */
	ROWS_LEAST = 2,
	BEFORE_MEMBERS = 3,		/* lines */
	HEADLINE_RANK = 8,
};

static void
watch_row_fill(const struct watch_report *r, const struct watch_member *m,
    struct member_row *row, char name[static TABLE_PLAIN],
    char command[static TABLE_PLAIN])
{
	char raw[MEMBER_NAME_TEXT];

	table_plain(member_name_text(&m->who, "-", raw), name);
	snprintf(command, TABLE_PLAIN, "%s%s%s", m->who.command ?
	    m->who.command : "", m->who.command && m->who.host ? " on " : "",
	    m->who.host ? m->who.host : "");
	*row = (struct member_row){
		.name = m->who.name ? name : NULL, .state = m->state,
		.command = m->who.command || m->who.host ? command : NULL,
		.pid = m->who.pid, .accepted = (int64_t)m->count,
		.since = (int64_t)m->since, .queue = (int64_t)m->queued,
		.limit = -1, .rate = m->rate, .track = m->track,
		.expected = r->judged && r->fairness && r->fairness->expects ?
		    m->expected / (double)r->judged : NAN,
	};
}

/* Returns how many rows there are. */
static size_t
rows_fill(const struct watch_report *r, struct member_row *rows,
    char (*texts)[2][TABLE_PLAIN])
{
	size_t n = r->member_count;

	for (size_t i = 0; i < n; i++)
		watch_row_fill(r, &r->members[i], &rows[i], texts[i][0],
		    texts[i][1]);
	if (!r->left)
		return n;
	rows[n] = (struct member_row){
		.name = "(left)", .pid = -1, .accepted = (int64_t)r->left,
		.since = -1, .limit = -1, .rate = NAN, .expected = NAN,
	};
	return n + 1;
}

/* The members' table, in at most this many lines. */
static void
watch_members(FILE *out, const struct watch_page *p, struct view *view,
    int lines, bool headline)
{
	const struct watch_report *r = p->report;
	struct member_row *rows = calloc(r->member_count + 1, sizeof(*rows));
	char (*texts)[2][TABLE_PLAIN] = calloc(r->member_count + 1,
	    sizeof(*texts));
	struct scoreboard scoreboard = {
		.probed = true, .rows = rows, .period = r->period,
	};
	struct member_layout l = {
		.headline = headline, .rows = (size_t)(lines - headline),
		.view = view,
	};

	if (rows && texts) {
		scoreboard.count = rows_fill(r, rows, texts);
		if (p->style.terminal)
			member_table_fit(&scoreboard, &l, lines);
		member_table(out, &scoreboard, &p->style, &l);
	}
	free(rows);
	free(texts);
}

static int
lowest(char (*texts)[WATCH_LINE])
{
	int found = -1;

	for (int i = 0; i < WATCH_LINES; i++)
		if (texts[i][0] && watch_lines[i].rank && (found < 0 ||
		    watch_lines[i].rank <= watch_lines[found].rank))
			found = i;
	return found;
}

/*
 * Drops lines until the rest fits, with the members' headline if only lines
 * that matter less make room for it. Returns how many lines members have.
 */
static int
watch_fit(char (*texts)[WATCH_LINE], int lines, int least)
{
	int room = lines, gone;

	for (int i = 0; i < WATCH_LINES; i++)
		room -= texts[i][0] != '\0';
	while ((gone = lowest(texts)) >= 0 && room < least +
	    (least && watch_lines[gone].rank < HEADLINE_RANK)) {
		texts[gone][0] = '\0';
		room++;
	}
	return room;
}

/* The histogram's lines, if there is room for them. */
static char *
watch_histogram(const struct watch_page *p, int room, int *lines)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	*lines = 0;
	if (!out)
		return NULL;
	*lines = latency_histogram(out, p->report->now->latency, &p->style);
	fclose(out);
	if (*lines && *lines <= room)
		return text;
	*lines = 0;
	free(text);
	return NULL;
}

static void
watch_lines_out(FILE *out, const struct watch_page *p,
    char (*texts)[WATCH_LINE], int from, int to)
{
	for (int i = from; i < to; i++) {
		if (!texts[i][0])
			continue;
		paint(out, p->style.color, watch_lines[i].color(p->report),
		    "%s", texts[i]);
		fputc('\n', out);
	}
}

void
watch_screen(FILE *out, const struct watch_report *r,
    const struct table_style *style, struct view *view, int lines)
{
	struct watch_page p = { .report = r, .style = *style };
	char (*texts)[WATCH_LINE] = calloc(WATCH_LINES, sizeof(*texts));
	char *histogram;
	int rows = (int)r->member_count + (r->left > 0), room, plotted;
	int least = rows < ROWS_LEAST ? rows : ROWS_LEAST;

	if (!texts)
		return;
	if (!p.style.columns)
		p.style.columns = WIDE;
	p.style.terminal = lines > 0;
	for (int i = 0; i < WATCH_LINES; i++)
		watch_lines[i].text(&p, texts[i]);
	room = watch_fit(texts, lines ? lines : rows + WATCH_LINES + 1, least);
	histogram = watch_histogram(&p, room - rows - 1, &plotted);
	watch_lines_out(out, &p, texts, 0, BEFORE_MEMBERS);
	if (rows && room > 0)
		watch_members(out, &p, view, room - plotted, room > least);
	watch_lines_out(out, &p, texts, BEFORE_MEMBERS, WATCH_LINES);
	if (histogram)
		fprintf(out, "%s\n", histogram + 1);	/* begins with one */
	free(histogram);
	free(texts);
}
