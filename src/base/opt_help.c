/* --help, from the tables of options. */
#include "base/opt_help.h"

#include <stdio.h>
#include <string.h>

enum { COLUMN = 26, WIDTH = 79 };

static void
help_row(FILE *out, const struct opt *o)
{
	char left[64], letter[8] = "    ";
	bool maybe = o->kind == OPT_MAYBE;

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(left, sizeof(left), "%s--%s%s%s%s", letter, o->name,
	    maybe ? "[=" : o->arg ? " " : "", o->arg ? o->arg : "",
	    maybe ? "]" : "");
	if (strlen(left) > COLUMN)
		fprintf(out, "  %s\n  %-*s %s\n", left, COLUMN, "", o->help);
	else
		fprintf(out, "  %-*s %s\n", COLUMN, left, o->help);
}

/* Writes the rows under a heading, up to the next one; returns that. */
static const struct opt *
help_rows(FILE *out, const struct opt *o, bool all)
{
	for (; o->kind && o->kind != OPT_HEADING; o++)
		if (all || o->often)
			help_row(out, o);
	return o;
}

/* The names of the rows that are left out, behind what has `column` columns. */
static void
help_names(FILE *out, const struct opt *o, int column)
{
	char name[40];

	for (; o->kind && o->kind != OPT_HEADING; o++) {
		if (o->often)
			continue;
		if (o->letter)
			snprintf(name, sizeof(name), " -%c", o->letter);
		else
			snprintf(name, sizeof(name), " --%s", o->name);
		column += (int)strlen(name);
		if (column > WIDTH) {
			fputs("\n     ", out);
			column = 5 + (int)strlen(name);
		}
		fputs(name, out);
	}
	fputc('\n', out);
}

static const struct opt *
help_short(FILE *out, const char *heading, const struct opt *rows)
{
	bool often = false, rest = false;
	const struct opt *o = rows;

	for (; o->kind && o->kind != OPT_HEADING; o++) {
		often |= o->often;
		rest |= !o->often;
	}
	fprintf(out, "%s:%s", heading, often ? "\n" : "");
	if (often)
		help_rows(out, rows, false);
	if (often && rest)
		fputs("  also", out);
	if (rest)
		help_names(out, rows, often ? 6 : (int)strlen(heading) + 1);
	return o;
}

char *
opt_help(const struct opt *const *tables, bool all)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	for (; *tables; tables++)
		for (const struct opt *o = *tables; o->kind;) {
			const char *heading = o++->help;

			if (!all) {
				o = help_short(out, heading, o);
				continue;
			}
			fprintf(out, "%s:\n", heading);
			o = help_rows(out, o, true);
		}
	fclose(out);
	return text;
}
