#include "probe/load/pattern.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

/* The end of a bracket expression; a "]" that comes first is a member. */
static const char *
after_bracket(const char *at)
{
	at += at[1] == '^' ? 2 : 1;
	if (*at == ']')
		at++;
	while (*at && *at != ']') {
		const char *end = at[0] == '[' && at[1] && strchr(":.=", at[1])
		    ? strchr(at + 2, at[1]) : NULL;

		at = end && end[1] == ']' ? end + 2 : at + 1;
	}
	return *at ? at + 1 : at;
}

/* The work that a piece of a pattern gives regcomp(3). */
struct cost {
	double copies;		/* after all repetitions */
	/*
	 * The ways in which it can match nothing: a? has 1, a?? has 2, a??b?? has
	 * 4. If there is a loop, glibc goes through all of them. passes: the same
	 * of its parts, at most, if it can't itself; at least 1.
	 */
	double empty, passes;
};

/* It is repeated at least and at most so often. */
static void
cost_bound(struct cost *c, double least, double most)
{
	double empty = c->empty < 1 && least < 1;

	for (double n = least; c->empty >= 1 && n <= most &&
	    empty <= PATTERN_COPIES; n++)
		empty += pow(c->empty, n);
	c->empty = empty;
	c->copies *= fmax(most, 1);
	c->passes = fmax(pow(c->passes, fmax(most, 1)), empty);
}

/* {n,m}; {n,} makes n + 1 copies. */
static void
cost_braces(struct cost *c, const char **at)
{
	char *end;
	double least = fmax(strtod(*at + 1, &end), 0), most = least;

	if (*end == ',')
		most = isdigit((unsigned char)end[1]) ?
		    strtod(end + 1, &end) : least + 1;
	*at = end + strcspn(end, "}");
	*at += **at == '}';
	cost_bound(c, least, most);
}

/* Takes a repetition, if one is at this place; false: there is none. */
static bool
cost_repetition(struct cost *c, const char **at)
{
	switch (**at) {
	case '{':
		cost_braces(c, at);
		return true;
	case '+':		/* a+ is compiled as aa* */
		++*at;
		cost_bound(c, 2, 2);
		return true;
	case '*':
	case '?':
		++*at;
		cost_bound(c, 0, 1);
		return true;
	default:
		return false;
	}
}

static struct cost pattern_cost(const char **at, bool *back);

/* One character, bracket expression or group. */
static struct cost
operand_cost(const char **at, bool *back)
{
	struct cost c = { .copies = 1, .passes = 1 };

	switch (**at) {
	case '(':
		++*at;
		c = pattern_cost(at, back);
		c.copies++;
		*at += **at == ')';
		break;
	case '[':
		*at = after_bracket(*at);
		break;
	case '\\':
		*back |= (*at)[1] >= '1' && (*at)[1] <= '9';
		c.empty = (*at)[1] && strchr("<>bB`'", (*at)[1]);
		*at += (*at)[1] ? 2 : 1;
		break;
	default:
		c.empty = **at == '^' || **at == '$';
		++*at;
	}
	return c;
}

/* The pieces of one alternative, up to the next one. */
static struct cost
alternative_cost(const char **at, bool *back)
{
	struct cost all = { .empty = 1, .passes = 1 };

	while (**at && **at != ')' && **at != '|') {
		struct cost one = operand_cost(at, back);

		while (cost_repetition(&one, at))
			continue;
		all.copies += one.copies;
		all.empty *= one.empty;
		all.passes *= one.passes;
	}
	return all;
}

/* All up to the end of this group. */
static struct cost
pattern_cost(const char **at, bool *back)
{
	struct cost all = alternative_cost(at, back);

	while (**at == '|') {
		struct cost one;

		++*at;
		one = alternative_cost(at, back);
		all.copies += one.copies + 1;
		all.empty += one.empty;
		all.passes += one.passes - 1;
	}
	all.passes = fmax(all.passes, all.empty);
	return all;
}

static int
pattern_check(const char *option, const char *text)
{
	const char *at = text;
	bool back = false;
	struct cost c = { 0 };

	if (strlen(text) > 2 * PATTERN_COPIES)
		c.copies = HUGE_VAL;
	while (*at && c.copies <= PATTERN_COPIES &&
	    c.passes <= PATTERN_COPIES) {
		c = pattern_cost(&at, &back);
		at += *at == ')';
	}
	if (c.copies > PATTERN_COPIES)
		return fail_as(STATUS_USAGE, "--%s %.80s: its repetitions make "
		    "more than %d copies of what they repeat; smaller numbers, "
		    "or * in place of {n,m}, are faster", option, text,
		    PATTERN_COPIES);
	if (c.passes > PATTERN_COPIES)
		return fail_as(STATUS_USAGE, "--%s %.80s: its parts can match "
		    "nothing in more than %d ways; repeat what is not empty, a? "
		    "in place of a??", option, text, PATTERN_COPIES);
	if (back)
		return fail_as(STATUS_USAGE,
		    "--%s %.80s: a back-reference such "
		    "as \\1 can take for ever; do without", option, text);
	return 0;
}

int
pattern_compile(regex_t *out, const char *option, const char *text)
{
	char why[128];
	int error;

	if (pattern_check(option, text) < 0)
		return -1;
	error = regcomp(out, text, REG_EXTENDED | REG_NEWLINE);
	if (!error)
		return 0;
	regerror(error, out, why, sizeof(why));
	return fail_as(STATUS_USAGE, "--%s %.80s: %s", option, text, why);
}
