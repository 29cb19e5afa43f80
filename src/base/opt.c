/*
 * Parses options by their tables: getopt_long(3) finds the words, the row of an
 * option says how its value is read and where it is stored. Then opt_check()
 * compares what was given with the rules of the rows. Every refusal says what
 * the user can write instead.
 */
#include "base/opt.h"

#include <ctype.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/num.h"

enum { LONG_BASE = 256 };

/* The tables in the form of getopt_long(3). */
struct parser {
	const struct opt *rows[OPT_ROWS];
	int count;
	struct option longs[OPT_ROWS + 1];
	char shorts[OPT_ROWS * 2 + 3];
	const struct opt_hint *hints;
	const char *value;		/* the last one in a word of its own */
};

static void
parser_init(struct parser *p, const struct opt *const *tables)
{
	char *s = p->shorts;

	memset(p, 0, sizeof(*p));
	*s++ = ':';
	for (; *tables; tables++)
		for (const struct opt *o = *tables; o->kind; o++) {
			if (o->kind == OPT_HEADING)
				continue;
			p->longs[p->count] = (struct option){
				.name = o->name,
				.has_arg = o->kind == OPT_MAYBE ?
				    optional_argument : o->arg != NULL,
				.val = LONG_BASE + p->count,
			};
			p->rows[p->count++] = o;
			if (!o->letter)
				continue;
			*s++ = o->letter;
			if (o->arg && o->kind != OPT_MAYBE)
				*s++ = ':';
		}
}

static const struct opt *
option_row(const struct parser *p, int c)
{
	if (c >= LONG_BASE)
		return p->rows[c - LONG_BASE];
	for (int i = 0; i < p->count; i++)
		if (c && p->rows[i]->letter == c)
			return p->rows[i];
	return NULL;
}

/* The index of text in "a|b|c", or -1. */
static int
choice(const char *words, const char *text)
{
	size_t length = strlen(text);

	for (int i = 0; words; i++) {
		size_t span = strcspn(words, "|");

		if (span == length && memcmp(words, text, span) == 0)
			return i;
		words = words[span] ? words + span + 1 : NULL;
	}
	return -1;
}

static int
number_set(const struct opt *o, const char *text, int64_t *value)
{
	if (num_parse(text, o->min, o->max, value) == 0)
		return 0;
	return fail_as(STATUS_USAGE,
	    "--%s %.40s: want a whole number from %lld to %lld",
	    o->name, text, o->min, o->max);
}

static int
time_set(const struct opt *o, const char *text, int64_t *value)
{
	if (duration_parse(text, value) == 0 && *value >= o->min)
		return 0;
	return fail_as(STATUS_USAGE, "--%s %.40s: want %s such as 2, 0.5, "
	    "250ms or 5m", o->name, text,
	    o->min ? "a time over 0" : "a time");
}

static int
wants_value(const struct opt *o)
{
	return fail_as(STATUS_USAGE, "--%s wants a value: %s", o->name,
	    o->arg);
}

static int
list_add(const struct opt *o, const char *text, struct opt_list *list)
{
	if (!*text)
		return wants_value(o);
	if (list->count == OPT_LIST_MAX)
		return fail_as(STATUS_USAGE, "--%s: at most %d of them",
		    o->name, OPT_LIST_MAX);
	list->at[list->count++] = text;
	return 0;
}

static int
opt_set(const struct opt *o, const char *text, void *settings)
{
	char *field = (char *)settings + o->offset;
	int which;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)field = true;
		return 0;
	case OPT_VALUE:
		*(int *)field = (int)o->min;
		return 0;
	case OPT_NUMBER:
		return number_set(o, text, (int64_t *)field);
	case OPT_TIME:
		return time_set(o, text, (int64_t *)field);
	case OPT_TEXT:
		if (!*text)
			return wants_value(o);
		*(const char **)field = text;
		return 0;
	case OPT_LIST:
		return list_add(o, text, (struct opt_list *)field);
	case OPT_MAYBE:
		/* a script's --x="$UNSET" is not meant as --x alone */
		if (text && !*text)
			return wants_value(o);
		*(const char **)field = text ? text : "";
		return 0;
	case OPT_CHOICE:
		which = choice(o->arg, text);
		if (which < 0)
			return fail_as(STATUS_USAGE, "--%s %.40s: want %s",
			    o->name, text, o->arg);
		*(int *)field = which + (int)o->min;
		return 0;
	case OPT_HEADING:
	case OPT_END:
		break;
	}
	return fail_as(STATUS_USAGE, "--%s: not an option", o->name);
}

/* The hint about a foreign option, or NULL. */
static const char *
hint_of(const struct opt_hint *hint, const char *option, const char *command)
{
	for (; hint && hint->option; hint++)
		if (strcmp(hint->option, option) == 0 &&
		    (!*hint->commands || strstr(hint->commands, command)))
			return hint->text;
	return NULL;
}

static int
unknown_letter(int letter, const char *command, const struct opt_hint *hints)
{
	char key[] = { isdigit(letter) ? '0' : (char)letter, '\0' };
	const char *hint = hint_of(hints, key, command);

	if (hint)
		return fail_as(STATUS_USAGE, "-%c: %s", letter, hint);
	return fail_as(STATUS_USAGE, "-%c: no such option; see 'rpnc %s "
	    "--help'", letter, command);
}

/* The distance of a word from an option's name; a prefix counts as near. */
static size_t
name_distance(const char *word, const char *name)
{
	return strncmp(word, name, strlen(word)) == 0 ? 0 :
	    edit_distance(word, name);
}

static int
unknown_name(const struct parser *p, const char *word, const char *command)
{
	size_t length = strcspn(word, "="), best = 4, near = 0;
	const char *hint;
	char name[40];

	snprintf(name, sizeof(name), "%.*s", (int)length - 2, word + 2);
	hint = hint_of(p->hints, name, command);
	if (hint)
		return fail_as(STATUS_USAGE, "--%s: %s", name, hint);
	for (int i = 0; i < p->count; i++) {
		size_t d = name_distance(name, p->longs[i].name);

		if (d < best && d * 2 < length - 2) {
			best = d;
			near = (size_t)i + 1;
		}
	}
	if (near)
		return fail_as(STATUS_USAGE, "--%s: no such option; did you "
		    "mean --%s?", name, p->longs[near - 1].name);
	return fail_as(STATUS_USAGE, "--%s: no such option; see 'rpnc %s "
	    "--help'", name, command);
}

/* getopt accepts --keep for --keep-open; a new option would break scripts. */
static bool
abbreviated(const char *word, const char *name)
{
	size_t span;

	if (strncmp(word, "--", 2) != 0)
		return false;
	span = strcspn(word + 2, "=");
	return strlen(name) != span || strncmp(word + 2, name, span) != 0;
}

static void
given_add(struct opt_given *given, const struct opt *o)
{
	for (int i = 0; i < given->count; i++)
		if (given->rows[i] == o)
			return;
	given->rows[given->count++] = o;
}

/* Records why getopt_long(3) refused a word; o: its row, or NULL. */
static int
refuse_option(const struct parser *p, int c, const struct opt *o, char **argv)
{
	if (c == ':')
		return wants_value(o);
	if (o)
		return fail_as(STATUS_USAGE, "--%s takes no value", o->name);
	if (optopt)
		return unknown_letter(optopt, argv[0], p->hints);
	return unknown_name(p, argv[optind - 1], argv[0]);
}

static int
take_option(struct parser *p, int c, char **argv, void *settings,
    struct opt_given *given)
{
	bool bad = c == '?' || c == ':';
	const struct opt *o = option_row(p, bad ? optopt : c);
	const char *word = argv[optind - 1];

	if (bad)
		return refuse_option(p, c, o, argv);
	if (optarg == word)
		p->value = word;
	if (c >= LONG_BASE && optarg == word)
		word = argv[optind - 2];
	if (c >= LONG_BASE && abbreviated(word, o->name))
		return unknown_name(p, word, argv[0]);
	if (opt_set(o, optarg, settings) < 0)
		return -1;
	given_add(given, o);
	return 0;
}

/*
 * How many words followed the "--" that ended the options. They can't be told
 * from the order of argv, because getopt(3) has moved the words before "--" to
 * the end too, and "--" may also be the value of an option.
 */
static int
words_behind(const struct parser *p, int argc, char *const *was,
    const char *last)
{
	if (strcmp(last, "--") != 0 || last == p->value)
		return -1;
	for (int i = 1; i < argc; i++)
		if (was[i] == last)
			return argc - i - 1;
	return -1;
}

int
opt_parse(int argc, char **argv, const struct opt *const *tables,
    const struct opt_hint *hints, void *settings, struct opt_given *given)
{
	char **was = calloc((size_t)argc + 1, sizeof(*was));
	struct parser p;
	int c, result = 0;

	if (!was)
		return fail("options");
	memcpy(was, argv, (size_t)argc * sizeof(*was));
	given->count = 0;
	parser_init(&p, tables);
	p.hints = hints;
	opterr = 0;
	optind = 0;
	while (result == 0 &&
	    (c = getopt_long(argc, argv, p.shorts, p.longs, NULL)) != -1)
		result = take_option(&p, c, argv, settings, given);
	/* after a fault, optind may be beyond the end */
	given->behind = result < 0 ? -1 :
	    words_behind(&p, argc, was, argv[optind - 1]);
	free(was);
	return result < 0 ? -1 : optind;
}

bool
opt_has(const struct opt_given *given, const char *name)
{
	for (int i = 0; i < given->count; i++)
		if (strcmp(given->rows[i]->name, name) == 0)
			return true;
	return false;
}

bool
opt_is_among(const char *names, const char *name)
{
	size_t length = strlen(name);

	for (; *names; names += strspn(names, " ")) {
		size_t span = strcspn(names, " ");

		if (span == length && memcmp(names, name, span) == 0)
			return true;
		names += span;
	}
	return false;
}

/* Whether one of a rule's options holds. */
static bool
rule_holds(const struct opt_rule *r, const struct opt_given *given,
    const char *also)
{
	if (also && opt_is_among(r->with, also))
		return true;
	for (int i = 0; i < given->count; i++)
		if (opt_is_among(r->with, given->rows[i]->name))
			return true;
	return false;
}

static int
check_row(const struct opt *o, const struct opt_given *given,
    const char *also)
{
	if (o->needs.with && !rule_holds(&o->needs, given, also))
		return fail_as(STATUS_USAGE, "%s", o->needs.why);
	for (int i = 0; i < 2; i++)
		if (o->excludes[i].with && rule_holds(&o->excludes[i], given,
		    also))
			return fail_as(STATUS_USAGE, "%s", o->excludes[i].why);
	return 0;
}

int
opt_check(const struct opt_given *given, const char *also, unsigned mode,
    const char *what)
{
	for (int i = 0; i < given->count; i++)
		if (check_row(given->rows[i], given, also) < 0)
			return -1;
	for (int i = 0; i < given->count; i++) {
		const struct opt *o = given->rows[i];

		if (mode && o->modes && !(o->modes & mode))
			return fail_as(STATUS_USAGE, "--%s: not with %s",
			    o->name, what);
	}
	return 0;
}
