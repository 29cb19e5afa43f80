#include "report/scan_human.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"

static void
scan_address_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct scan_row *r = c->row;
	char address[ADDR_TEXT];

	if (r->address)
		snprintf(text, TABLE_TEXT, "%s", addr_text(r->address,
		    address));
	else
		snprintf(text, TABLE_TEXT, "%s:%lld", r->name,
		    (long long)r->port);
}

static void
scan_state_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct scan_row *r = c->row;

	snprintf(text, TABLE_TEXT, "%s%s", r->state, r->by_proxy ?
	    ", says the proxy" : "");
}

static void
scan_time_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct scan_row *r = c->row;
	char time[NUM_TEXT];

	snprintf(text, TABLE_TEXT, "%s", seconds_text(r->seconds, time));
}

static void
scan_word_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct scan_row *r = c->row;
	const char *word = r->service ? r->service : r->reason;

	snprintf(text, TABLE_TEXT, "%s", word ? word : "");
}

static enum color
scan_color(const struct table_cell *c)
{
	const struct scan_row *r = c->row;

	return strcmp(r->state, "open") == 0 ? GREEN : PLAIN;
}

static const struct table_column scan_columns[] = {
	{ "", .text = scan_address_cell },
	{ "", .gap = 2, .text = scan_state_cell, .color = scan_color },
	{ "", .gap = 2, .right = true, .wanted = table_has_text,
	    .text = scan_time_cell },
	{ "", 1, .gap = 2, .wanted = table_has_text, .text = scan_word_cell },
};

static void
scan_rows(FILE *out, const struct event *e, const struct table_style *style)
{
	struct scan_row *rows = calloc(e->scan_count + 1, sizeof(*rows));
	struct table t = {
		.column = scan_columns, .rows = rows,
		.count = sizeof(scan_columns) / sizeof(*scan_columns),
		.row_size = sizeof(*rows),
	};

	for (size_t i = 0; rows && i < e->scan_count; i++)
		if (e->detail || strcmp(e->scan[i].state, "open") == 0)
			rows[t.row_count++] = e->scan[i];
	table_fit(&t, style->columns);
	for (size_t i = 0; i < t.row_count; i++) {
		table_row(out, &t, style->color, &rows[i]);
		fputc('\n', out);
	}
	free(rows);
}

void
scan_human(FILE *out, const struct event *e, const struct table_style *style)
{
	uint64_t tried = e->open + e->shut + e->silent;
	char time[NUM_TEXT];

	scan_rows(out, e, style);
	fprintf(out, "%llu open, %llu closed, %llu no answer",
	    (unsigned long long)e->open, (unsigned long long)e->shut,
	    (unsigned long long)e->silent);
	if (tried < e->total)
		fprintf(out, ", %llu not tried",
		    (unsigned long long)(e->total - tried));
	fprintf(out, ", %s", seconds_text(e->seconds, time));
}
