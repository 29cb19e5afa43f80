#include "probe/load/pattern.h"

#include <ctype.h>
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

/* How often regcomp(3) copies: m of {n,m}, and n + 1 of {n,}. */
static double
bound_copies(const char **at)
{
	char *end;
	double least = strtod(*at + 1, &end), most = least;

	if (*end == ',')
		most = isdigit((unsigned char)end[1]) ?
		    strtod(end + 1, &end) : least + 1;
	*at = end + strcspn(end, "}");
	*at += **at == '}';
	return most > 1 ? most : 1;
}

/* Copies that a repetition at this place makes; 0: there is none. */
static double
repetition_copies(const char **at)
{
	switch (**at) {
	case '{':
		return bound_copies(at);
	case '+':		/* a+ is compiled as aa* */
		++*at;
		return 2;
	case '*':
	case '?':
		++*at;
		return 1;
	default:
		return 0;
	}
}

static double pattern_copies(const char **at, bool *back);

/* The copies in one character, bracket expression or group. */
static double
operand_copies(const char **at, bool *back)
{
	double inside = 1;

	switch (**at) {
	case '(':
		++*at;
		inside += pattern_copies(at, back);
		*at += **at == ')';
		break;
	case '[':
		*at = after_bracket(*at);
		break;
	case '\\':
		*back |= (*at)[1] >= '1' && (*at)[1] <= '9';
		*at += (*at)[1] ? 2 : 1;
		break;
	default:
		++*at;
	}
	return inside;
}

/* The copies up to the end of this group. */
static double
pattern_copies(const char **at, bool *back)
{
	double all = 0;

	while (**at && **at != ')') {
		double one = operand_copies(at, back), more;

		while ((more = repetition_copies(at)) > 0)
			one *= more;
		all += one;
	}
	return all;
}

static int
pattern_check(const char *option, const char *text)
{
	const char *at = text;
	bool back = false, large = strlen(text) > 2 * PATTERN_COPIES;

	while (*at && !large) {
		large = pattern_copies(&at, &back) > PATTERN_COPIES;
		at += *at == ')';
	}
	if (large)
		return fail_as(STATUS_USAGE, "--%s %.80s: its repetitions make "
		    "more than %d copies of what they repeat; smaller numbers, "
		    "or * in place of {n,m}, are faster", option, text,
		    PATTERN_COPIES);
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
