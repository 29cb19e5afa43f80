#include "report/fairness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/glyph.h"
#include "math/fair.h"

const char *
fair_text(const char *by, double each, double spread, bool brief,
    char text[static FAIR_TEXT])
{
	char count[64];

	if (isnan(each))
		snprintf(count, sizeof(count), "what is wanted");
	else
		snprintf(count, sizeof(count), "%.0f", each);
	snprintf(text, FAIR_TEXT, "%.64s%s%s %s %.0f%s%s", brief ? "fair" : by,
	    brief ? ": " : " gives ", count, glyph(GLYPH_PLUS_MINUS), spread,
	    isnan(each) ? "" : " each", brief ? "" : " (99 %)");
	return text;
}

struct bar
fair_bar(double count, double expected, uint64_t n, int k, double most)
{
	double spread;

	if (!(most > 0))
		return BAR(0);
	if (!(expected > 0) || k < 2)
		return BAR(count / most);
	spread = fair_spread_99(n, expected / (double)n, k);
	return (struct bar){ count / most, expected / most,
		spread < expected ? spread / most : 0 };
}

double
bar_end(struct bar b)
{
	return isnan(b.expected) ? b.part : fmax(b.part, b.expected +
	    b.spread);
}

const char *
verdict_words(const char *verdict)
{
	static const char *const words[][2] = {
		{ "too-few", "too few" }, { "too-even", "too even" },
		{ "as-weighted", "as weighted" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(verdict, words[i][0]) == 0)
			return words[i][1];
	return verdict;
}

enum color
verdict_color(const char *verdict)
{
	if (strcmp(verdict, "even") == 0 ||
	    strcmp(verdict, "as-weighted") == 0)
		return GREEN;
	return strcmp(verdict, "uneven") == 0 ? RED : PLAIN;
}
