/*
 * Numbers: parsing what users type, and texts for people. A text has three
 * digits that count; age_text() is for times that are still growing.
 */
#include "base/num.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/glyph.h"

int
num_parse(const char *text, int64_t min, int64_t max, int64_t *out)
{
	char *end;
	long long value;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || *end || value < min || value > max)
		return -1;
	*out = value;
	return 0;
}

int
duration_parse(const char *text, int64_t *microseconds)
{
	static const struct {
		const char *suffix;
		double factor;
	} units[] = {
		{ "", 1e6 }, { "s", 1e6 }, { "ms", 1e3 }, { "us", 1 },
		{ "m", 60e6 }, { "h", 3600e6 },
	};
	char *end;
	double value;

	if (!isdigit((unsigned char)text[*text == '.']) ||
	    strspn(text, "0123456789.") != strcspn(text, "smuh"))
		return -1;
	value = strtod(text, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].suffix) != 0)
			continue;
		if (value * units[i].factor > 365.0 * 86400e6)
			return -1;
		*microseconds = llround(value * units[i].factor);
		return 0;
	}
	return -1;
}

int
size_parse(const char *text, int64_t *bytes)
{
	static const char units[] = "KMG";
	size_t digits = strspn(text, "0123456789");
	const char *unit = strchr(units, text[digits]);
	int shift = unit && *unit ? 10 * (int)(unit - units + 1) : 0;
	char number[20];

	if (!unit || digits >= sizeof(number) || (*unit && text[digits + 1]))
		return -1;
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (num_parse(number, 0, INT64_MAX >> shift, bytes) < 0)
		return -1;
	*bytes <<= shift;
	return 0;
}

/* Digits after the point, so that three digits count. */
static int
digits_after(double value)
{
	return value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
}

const char *
bytes_text(uint64_t bytes, char text[static NUM_TEXT])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(text, NUM_TEXT, "%u B", (unsigned)bytes);
		return text;
	}
	for (; value >= 1023.5 && unit < 3; unit++)
		value /= 1024;
	snprintf(text, NUM_TEXT, "%.*f %s", digits_after(value), value,
	    units[unit]);
	return text;
}

const char *
rate_text(double rate, char text[static NUM_TEXT])
{
	if (isfinite(rate))
		snprintf(text, NUM_TEXT, "%.*f", rate > 0 ?
		    digits_after(rate) : 0, rate);
	else
		snprintf(text, NUM_TEXT, "-");
	return text;
}

const char *
age_text(int64_t seconds, char text[static NUM_TEXT])
{
	static const struct { const char *large, *small; int64_t in; } units[] =
	    { { "min", "s", 60 }, { "h", "min", 3600 }, { "d", "h", 86400 } };
	int unit = seconds < 3600 ? 0 : seconds < 86400 ? 1 : 2;
	int64_t in = units[unit].in, part = unit ? units[unit - 1].in : 1;

	if (seconds < 60) {
		snprintf(text, NUM_TEXT, "%d s", (int)seconds);
		return text;
	}
	snprintf(text, NUM_TEXT, "%lld %.3s %d %.3s", (long long)(seconds / in),
	    units[unit].large, (int)(seconds % in / part),
	    units[unit].small);
	return text;
}

const char *
nanoseconds_text(int64_t ns, char text[static NUM_TEXT])
{
	const char *const units[] = { glyph(GLYPH_MICRO), "m", "" };
	double value = (double)ns / 1e3;
	size_t unit = 0;

	if (ns > 0 && ns < 1000) {
		snprintf(text, NUM_TEXT, "%d ns", (int)ns);
		return text;
	}
	if (ns >= INT64_C(59950000000))
		return age_text(ns / 1000000000 +
		    (ns % 1000000000 >= 500000000), text);
	for (; value >= 999.5 && unit < 2; unit++)
		value /= 1e3;
	snprintf(text, NUM_TEXT, "%.*f %ss", ns > 0 ? digits_after(value) : 0,
	    value, units[unit]);
	return text;
}

const char *
duration_text(int64_t us, char text[static NUM_TEXT])
{
	return us < INT64_MAX / 1000 ? nanoseconds_text(us * 1000, text) :
	    age_text(us / 1000000, text);
}

const char *
seconds_text(double seconds, char text[static NUM_TEXT])
{
	if (isfinite(seconds))
		return nanoseconds_text(llround(fmin(seconds, 9e9) * 1e9),
		    text);
	snprintf(text, NUM_TEXT, "-");
	return text;
}

const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

size_t
edit_distance(const char *a, const char *b)
{
	size_t width = strlen(b), row[64];

	if (width >= sizeof(row) / sizeof(row[0]))
		return SIZE_MAX;
	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < width; j++) {
			size_t best = corner + (a[i] != b[j]);

			corner = row[j + 1];
			if (corner + 1 < best)
				best = corner + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			row[j + 1] = best;
		}
	}
	return row[width];
}
