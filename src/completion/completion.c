#include "completion/completion.h"

#include <string.h>

#include "completion/words.h"

/*
 * The scripts are files of their own, which the assembler reads. Their lines
 * "@commands@" and "@rows@" stand for what comes from the tables. The names are
 * global, because -flto may assemble this apart from what uses them.
 */
#define SCRIPT(name, file) \
	__asm__(".pushsection .rodata\n.globl " #name "\n.hidden " #name "\n" \
	    #name ":\n.incbin \"" file "\"\n.byte 0\n.popsection"); \
	/* NOLINTNEXTLINE(bugprone-macro-parentheses): it is declared */ \
	extern const char name[] __attribute__((visibility("hidden")))
SCRIPT(script_bash, "src/completion/rpnc.bash");
SCRIPT(script_zsh, "src/completion/rpnc.zsh");
SCRIPT(script_fish, "src/completion/rpnc.fish");

/* One script while it is written. */
struct script {
	FILE *out;
	enum completion_shell shell;
	const struct opt *own;
	const struct command *const *commands;
	int count;
};

/* Writes text that stands between single quotes. */
static void
put_quoted(const struct script *s, const char *text)
{
	for (; *text; text++)
		if (s->shell != SHELL_FISH && *text == '\'')
			fputs("'\\''", s->out);
		else if (s->shell == SHELL_FISH && strchr("'\\", *text))
			fprintf(s->out, "\\%c", *text);
		else
			fputc(*text, s->out);
}

static void
put_column(const struct script *s, const char *text)
{
	fputc('\t', s->out);
	put_quoted(s, *text ? text : "-");
}

static void
put_takes(const struct script *s, const struct opt *o)
{
	fprintf(s->out, "\t%s%s%s", !o->arg ? "-" :
	    o->kind == OPT_MAYBE ? "?" : "=", o->commas ? "," : "",
	    o->kind == OPT_LIST ? "*" : "");
}

static bool
excludes(const struct opt *o, const struct opt *other)
{
	for (int i = 0; i < 2; i++)
		if (o->excludes[i].with &&
		    opt_is_among(o->excludes[i].with, other->name))
			return true;
	return false;
}

/* Whether both set one value, so that the later replaces the earlier. */
static bool
is_alternative(const struct opt *o, const struct opt *other)
{
	return o != other && o->kind == OPT_VALUE &&
	    other->kind == OPT_VALUE && o->offset == other->offset;
}

/* The names of all that exclude o, each with a comma behind it. */
static void
put_clash(const struct script *s, const struct opt *o,
    const struct opt *const *tables)
{
	fputs("\t,", s->out);
	for (; *tables; tables++)
		for (const struct opt *other = *tables; other->kind; other++)
			if (other->kind != OPT_HEADING &&
			    (excludes(o, other) || excludes(other, o) ||
			    is_alternative(o, other)))
				fprintf(s->out, "%s,", other->name);
}

static void
put_fixed(const struct script *s, const struct opt *o)
{
	char word[OPT_WORD];
	const char *text = o->kind == OPT_CHOICE ? o->arg : o->fixed;

	if (text || !o->listed) {
		put_column(s, text ? text : "");
		return;
	}
	for (int i = 0; o->listed(i, word); i++) {
		fputc(i ? '|' : '\t', s->out);
		put_quoted(s, word);
	}
}

static void
put_row(const struct script *s, const struct opt *o, unsigned modes,
    const struct opt *const *tables)
{
	fprintf(s->out, "%u\t%c\t%s", o->modes & modes,
	    o->letter ? o->letter : '-', o->name);
	put_takes(s, o);
	put_column(s, words_kind_name(o->words));
	put_fixed(s, o);
	put_column(s, words_kind_name(o->operands));
	put_clash(s, o, tables);
	if (s->shell != SHELL_BASH)
		put_column(s, o->help);
	fputc('\n', s->out);
}

/* Begins to set a variable to lines; put_end() ends it. */
static void
put_begin(const struct script *s, const char *name)
{
	if (s->shell == SHELL_FISH)
		fprintf(s->out, "set %s '", name);
	else
		fprintf(s->out, "%s='", name);
}

static void
put_end(const struct script *s)
{
	fputs("'\n", s->out);
}

static void
put_rows(const struct script *s, unsigned modes,
    const struct opt *const *tables)
{
	put_begin(s, "rows");
	for (const struct opt *const *t = tables; *t; t++)
		for (const struct opt *o = *t; o->kind; o++)
			if (o->kind != OPT_HEADING)
				put_row(s, o, modes, tables);
	put_end(s);
}

/* Writes the branch of a command; host: see completion.h. */
static void
put_branch(const struct script *s, const struct command *c, const char *host)
{
	const char *behind = c->program ? "command" : "-";

	if (s->shell == SHELL_FISH)
		fprintf(s->out, "    case %s\n        set host %s\n"
		    "        set behind %s\n        ", c->name, host, behind);
	else
		fprintf(s->out, "\t%s)\n\t\thost=%s behind=%s\n\t\t", c->name,
		    host, behind);
	put_rows(s, c->modes, c->tables);
	if (s->shell != SHELL_FISH)
		fputs("\t\t;;\n", s->out);
}

static void
put_commands(const struct script *s)
{
	put_begin(s, "commands");
	for (int i = 0; i < s->count; i++) {
		fputs(s->commands[i]->name, s->out);
		put_column(s, s->commands[i]->summary);
		fputc('\n', s->out);
	}
	put_end(s);
}

static void
put_branches(const struct script *s)
{
	const struct command rpnc = { .name = "rpnc", .tables = { s->own } };
	const struct command help = { .name = "help" };

	put_branch(s, &rpnc, "commands");
	put_branch(s, &help, "commands");
	for (int i = 0; i < s->count; i++)
		put_branch(s, s->commands[i],
		    words_kind_name(s->commands[i]->host));
}

void
completion_write(FILE *out, enum completion_shell shell, const struct opt *own,
    const struct command *const *commands, int count)
{
	static const char *const scripts[] = {
		[SHELL_BASH] = script_bash, [SHELL_ZSH] = script_zsh,
		[SHELL_FISH] = script_fish,
	};
	const struct script s = { out, shell, own, commands, count };

	for (const char *line = scripts[shell]; *line;) {
		size_t length = strcspn(line, "\n") + 1;

		if (strncmp(line, "@commands@\n", length) == 0)
			put_commands(&s);
		else if (strncmp(line, "@rows@\n", length) == 0)
			put_branches(&s);
		else
			fwrite(line, 1, length, out);
		line += length;
	}
}
