/*
 * The scoreboard of a group: the command /stats prints all of it, and the
 * header of a terminal shows as much as fits. Both have the member table, what
 * is fair, and totals; NARROW and LINES_LEAST say when sentences are shortened
 * or left out.
 */
#include "report/scoreboard.h"

#include <math.h>
#include <string.h>

#include "base/glyph.h"
#include "base/num.h"
#include "report/fairness.h"
#include "report/plot.h"

enum {
	LINES_LEAST = 2,		/* a title, and what is fair */
	SPARKS = 240,
	ROOM_AFTER = 16,		/* "  12345 accepted" */
	NARROW = 70,			/* short sentences below this */
	FAIR_LINE = FAIR_TEXT + 64,
};

struct page {
	FILE *out;
	const struct scoreboard *scoreboard;
	const struct table_style *style;
};

static bool
by_hash(const struct scoreboard *b)
{
	return !b->steering || strcmp(b->steering, "hash") == 0;
}

/* "fair hashing gives 39 ± 13 each (99 %), p 0.57: " */
static void
fair_before(const struct page *p, bool narrow, bool chance,
    char line[static FAIR_LINE])
{
	const struct scoreboard *b = p->scoreboard;
	const struct member_fairness *f = b->fairness;
	char by[FAIR_TEXT] = "fair hashing", text[FAIR_TEXT], part[32] = "";

	if (!by_hash(b))
		snprintf(by, sizeof(by), "steering by %.*s",
		    (int)strcspn(b->steering, " "), b->steering);
	if (chance)
		snprintf(part, sizeof(part), narrow ? ", p %.2g" : ", p %.3g",
		    f->p);
	snprintf(line, FAIR_LINE, "%s%s: ", fair_text(by, f->equal ?
	    (double)f->n / f->members : NAN, f->spread, narrow, text), part);
}

/* Drops p, and then all but the verdict, if there is too little room. */
static void
fair_out(const struct page *p)
{
	const char *verdict = p->scoreboard->fairness->verdict;
	const char *words = verdict_words(verdict);
	int room = p->style->columns - table_cells(words);
	char line[FAIR_LINE];

	fair_before(p, p->style->columns < NARROW, true, line);
	if (table_cells(line) > room)
		fair_before(p, true, false, line);
	if (table_cells(line) <= room)
		fputs(line, p->out);
	paint(p->out, p->style->color, verdict_color(verdict), "%s", words);
}

static void
since_out(const struct page *p)
{
	const struct scoreboard *b = p->scoreboard;
	const struct member_fairness *f = b->fairness;

	if ((size_t)f->members < b->count)
		fprintf(p->out, "%d of %zu members are judged: the others' "
		    "counts are not known\n", f->members, b->count);
	fprintf(p->out, "since the group last changed: %llu accepted",
	    (unsigned long long)(f->n - f->queued));
	if (f->queued)
		fprintf(p->out, ", %llu queued", (unsigned long long)f->queued);
	fputc('\n', p->out);
	if (!f->n)
		return;
	fair_out(p);
	fputc('\n', p->out);
}

void
scoreboard_text(FILE *out, const struct scoreboard *b,
    const struct table_style *style)
{
	struct page p = { out, b, style };
	const struct member_layout l = {
		.headline = true, .rows = b->count + 1,
	};

	member_table(out, b, style, &l);
	for (size_t i = 0; b->findings && i < b->findings->count; i++)
		fprintf(out, "%s\n", b->findings->at[i].text);
	if (b->fairness)
		since_out(&p);
	fprintf(out, "in all: %llu accepted, %llu open, %llu in queues",
	    (unsigned long long)b->accepted, (unsigned long long)b->open,
	    (unsigned long long)b->queue);
	if (!by_hash(b))
		fprintf(out, "; steered by %s", b->steering);
	fputc('\n', out);
}

/* Adds the number of members and, if it fits, their steering. */
static void
scoreboard_members(const struct scoreboard *b, char *line, size_t size,
    int columns)
{
	char part[256];
	size_t length = strlen(line);
	int n = snprintf(part, sizeof(part), "%zu member%s", b->count,
	    plural(b->count));

	if (!by_hash(b)) {
		snprintf(part + n, sizeof(part) - (size_t)n, " by %.64s",
		    b->steering);
		table_line_add(line, size, columns - ROOM_AFTER, "  ", part);
		if (line[length])
			return;
		part[n] = '\0';
	}
	table_line_add(line, size, columns, "  ", part);
}

static void
title_out(const struct page *p)
{
	const struct scoreboard *b = p->scoreboard;
	char line[1024], part[256], spark[SPARK_TEXT(SPARKS)];
	char number[NUM_TEXT];
	size_t n = b->rate_count < SPARKS ? b->rate_count : SPARKS;
	int columns = p->style->columns, room;

	snprintf(line, sizeof(line), "%.24s%s%.128s %s", b->name ? b->name :
	    "", b->name ? " " : "", b->address, b->protocol);
	table_cut(line, columns);
	scoreboard_members(b, line, sizeof(line), columns);
	snprintf(part, sizeof(part), "%llu accepted",
	    (unsigned long long)b->accepted);
	table_line_add(line, sizeof(line), columns, "  ", part);
	if (!isnan(b->rate)) {
		snprintf(part, sizeof(part), "%s/s",
		    rate_text(b->rate, number));
		table_line_add(line, sizeof(line), columns, "  ", part);
		room = columns - table_cells(line) - 2;
		n = room < 0 ? 0 : n > (size_t)room ? (size_t)room : n;
		table_line_add(line, sizeof(line), columns, "  ",
		    spark_text(b->rates + b->rate_count - n, n, spark));
	}
	paint(p->out, p->style->color, BOLD, "%s", line);
	fputc('\n', p->out);
}

/* Members that accept nothing. */
static bool
trouble_out(const struct page *p)
{
	const struct finding *f = p->scoreboard->findings &&
	    p->scoreboard->findings->count ? p->scoreboard->findings->at : NULL;
	char text[FINDING_TEXT];

	if (!f || f->pid < 0)
		return false;
	paint(p->out, p->style->color, RED, "%s",
	    finding_fit(f, p->style->columns, text));
	return true;
}

/* The last line of a header. */
static void
word_out(const struct page *p)
{
	const struct scoreboard *b = p->scoreboard;

	if (trouble_out(p)) {
		/* it matters more than the figures */
	} else if (b->fairness && b->fairness->n) {
		fair_out(p);
		if (p->style->columns >= NARROW &&
		    (size_t)b->fairness->members < b->count)
			fprintf(p->out, " (%d of %zu judged)",
			    b->fairness->members, b->count);
	} else if (b->fairness) {
		fprintf(p->out, p->style->columns < NARROW ? "nothing yet" :
		    "nothing accepted since the group last changed");
	} else if (b->unjudged &&
	    table_cells(b->unjudged) <= p->style->columns) {
		fputs(b->unjudged, p->out);
	} else {
		fprintf(p->out, "%llu open, %llu in queues",
		    (unsigned long long)b->open,
		    (unsigned long long)b->queue);
	}
	fputc('\n', p->out);
}

void
scoreboard_header(FILE *out, const struct scoreboard *b,
    const struct table_style *style, struct view *view, int lines)
{
	struct page p = { out, b, style };
	int left = lines - LINES_LEAST;
	struct member_layout l = { .headline = left > 2, .view = view };

	if (lines >= 1)
		title_out(&p);
	if (lines < LINES_LEAST)
		return;
	l.rows = (size_t)(left - l.headline);
	member_table_fit(b, &l, view && view->strips_to &&
	    view->strips_to < lines ? view->strips_to - LINES_LEAST : left);
	if (l.rows > 0)
		member_table(out, b, style, &l);
	word_out(&p);
}
