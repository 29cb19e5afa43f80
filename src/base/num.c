#include "base/num.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	for (; value >= 1024 && unit < 3; unit++)
		value /= 1024;
	snprintf(text, NUM_TEXT, "%.1f %s", value, units[unit]);
	return text;
}

const char *
duration_text(int64_t us, char text[static NUM_TEXT])
{
	if (us < 1000)
		snprintf(text, NUM_TEXT, "%d µs", (int)us);
	else if (us < 100 * 1000)
		snprintf(text, NUM_TEXT, "%.1f ms", (double)us / 1e3);
	else if (us < 60 * 1000000LL)
		snprintf(text, NUM_TEXT, "%.1f s", (double)us / 1e6);
	else
		snprintf(text, NUM_TEXT, "%lld min %d s",
		    (long long)(us / 60000000), (int)(us / 1000000 % 60));
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
