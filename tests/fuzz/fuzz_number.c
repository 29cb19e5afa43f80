/* Numbers, times, sizes and dates, and numbers in words for people. */
#include "base/date.h"
#include "base/num.h"
#include "fuzz.h"

static void
say(int64_t n)
{
	char text[NUM_TEXT];

	HOLDS(strlen(bytes_text((uint64_t)n, text)) < NUM_TEXT);
	HOLDS(strlen(nanoseconds_text(n, text)) < NUM_TEXT);
	HOLDS(strlen(duration_text(n, text)) < NUM_TEXT);
	HOLDS(strlen(age_text(n, text)) < NUM_TEXT);
}

static void
say_real(double d)
{
	char text[NUM_TEXT];

	HOLDS(strlen(seconds_text(d, text)) < NUM_TEXT);
	HOLDS(strlen(rate_text(d, text)) < NUM_TEXT);
}

static void
say_raw(const uint8_t *data, size_t length)
{
	int64_t n = 0;
	double d;

	memcpy(&n, data, length < sizeof(n) ? length : sizeof(n));
	memcpy(&d, &n, sizeof(d));
	say(n & INT64_MAX);
	say_real(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	char *text = fuzz_text(data, length);
	int64_t n = -7;

	if (num_parse(text, 1, 65535, &n) == 0)
		HOLDS(n >= 1 && n <= 65535);
	else
		HOLDS(n == -7);
	if (duration_parse(text, &n) == 0) {
		HOLDS(n >= 0);
		say(n);
	}
	if (size_parse(text, &n) == 0) {
		HOLDS(n >= 0);
		say(n);
	}
	date_parse(text, INT64_C(1800000000) * 1000000, &n);
	if (length < 64)
		edit_distance(text, "connect");
	say_raw(data, length);
	free(text);
	return 0;
}
