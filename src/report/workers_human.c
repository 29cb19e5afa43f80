#include "report/workers_human.h"

#include "base/num.h"

static void
worker_pid_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct worker_row *w = c->row;

	snprintf(text, TABLE_TEXT, "pid %lld", (long long)w->pid);
}

static void
worker_accepted_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct worker_row *w = c->row;

	snprintf(text, TABLE_TEXT, "%llu", (unsigned long long)w->accepted);
}

static void
worker_share_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct worker_row *w = c->row;

	snprintf(text, TABLE_TEXT, "%.1f %%", w->share * 100);
}

static void
worker_in_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct worker_row *w = c->row;
	char bytes[NUM_TEXT];

	snprintf(text, TABLE_TEXT, "%s in", bytes_text(w->in, bytes));
}

static void
worker_out_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct worker_row *w = c->row;
	char bytes[NUM_TEXT];

	snprintf(text, TABLE_TEXT, "%s out", bytes_text(w->out, bytes));
}

static void
worker_cpu_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct worker_row *w = c->row;

	snprintf(text, TABLE_TEXT, "%.3f s CPU", w->cpu);
}

static void
worker_restarts_cell(const struct table_cell *c, char text[static TABLE_TEXT])
{
	const struct worker_row *w = c->row;

	*text = '\0';
	if (w->restarts)
		snprintf(text, TABLE_TEXT, "restarted %lld time%s",
		    (long long)w->restarts, plural((uint64_t)w->restarts));
}

static enum color
worker_name_color(const struct table_cell *c)
{
	(void)c;
	return BOLD;
}

static enum color
worker_restarts_color(const struct table_cell *c)
{
	(void)c;
	return RED;
}

static const struct table_column worker_columns[] = {
	{ "", .text = table_text_at, .at = offsetof(struct worker_row, name),
	    .color = worker_name_color },
	{ "", 2, 2, .text = worker_pid_cell },
	{ "", 0, 2, .right = true, .text = worker_accepted_cell },
	{ "", 4, 2, .right = true, .text = worker_share_cell },
	{ "", 3, 2, .right = true, .text = worker_in_cell },
	{ "", 3, 2, .right = true, .text = worker_out_cell },
	{ "", 1, 2, .right = true, .text = worker_cpu_cell },
	{ "", 0, 2, .wanted = table_has_text, .text = worker_restarts_cell,
	    .color = worker_restarts_color },
};

void
workers_human(FILE *out, const struct event *e,
    const struct table_style *style)
{
	struct table t = {
		.column = worker_columns,
		.count = sizeof(worker_columns) / sizeof(*worker_columns),
		.rows = e->rows, .row_count = e->row_count,
		.row_size = sizeof(*e->rows),
	};

	table_fit(&t, style->columns ? style->columns - 2 : 0);
	for (size_t i = 0; i < e->row_count; i++) {
		fputs("\n  ", out);
		table_row(out, &t, style->color, &e->rows[i]);
	}
}
