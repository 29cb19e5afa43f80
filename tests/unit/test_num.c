#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/glyph.h"
#include "base/num.h"

static void
times_have_three_digits_and_the_unit_that_fits(void **state)
{
	static const struct { int64_t ns; const char *text; } cases[] = {
		{ 0, "0 µs" }, { 850, "850 ns" }, { 1000, "1.00 µs" },
		{ 9994, "9.99 µs" }, { 9996, "10.0 µs" },
		{ 35000, "35.0 µs" }, { 99960, "100 µs" },
		{ 999400, "999 µs" }, { 999600, "1.00 ms" },
		{ 3608000, "3.61 ms" }, { 264312000, "264 ms" },
		{ 1200000000, "1.20 s" }, { 59940000000, "59.9 s" },
		{ 59960000000, "1 min 0 s" }, { 125400000000, "2 min 5 s" },
		{ INT64_C(14700) * 1000000000, "4 h 5 min" },
		{ INT64_C(543600) * 1000000000, "6 d 7 h" },
	};
	char text[NUM_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(nanoseconds_text(cases[i].ns, text),
		    cases[i].text);
	assert_string_equal(duration_text(412, text), "412 µs");
	assert_string_equal(seconds_text(0.0021, text), "2.10 ms");
	assert_string_equal(seconds_text(NAN, text), "-");
	assert_string_equal(age_text(9, text), "9 s");
	assert_string_equal(age_text(65, text), "1 min 5 s");
	assert_string_equal(duration_text(INT64_MAX, text),
	    "106751991 d 4 h");
}

static void
bytes_and_rates_have_three_digits(void **state)
{
	char text[NUM_TEXT];

	(void)state;
	assert_string_equal(bytes_text(0, text), "0 B");
	assert_string_equal(bytes_text(1023, text), "1023 B");
	assert_string_equal(bytes_text(1024, text), "1.00 KiB");
	assert_string_equal(bytes_text(24000, text), "23.4 KiB");
	assert_string_equal(bytes_text(1000000, text), "977 KiB");
	assert_string_equal(bytes_text(1048575, text), "1.00 MiB");
	assert_string_equal(bytes_text(INT64_C(3) << 40, text), "3.00 TiB");
	assert_string_equal(rate_text(0, text), "0");
	assert_string_equal(rate_text(0.25, text), "0.25");
	assert_string_equal(rate_text(9.999, text), "10.0");
	assert_string_equal(rate_text(34125.4, text), "34125");
	assert_string_equal(rate_text(NAN, text), "-");
}

/* under: what the locale of the environment is. */
static void
under(const char *all, const char *ctype, const char *lang)
{
	setenv("LC_ALL", all, 1);
	setenv("LC_CTYPE", ctype, 1);
	setenv("LANG", lang, 1);
	glyph_locale();
}

static void
the_locale_decides_on_the_characters(void **state)
{
	char text[NUM_TEXT];

	(void)state;
	under("", "", "C");
	assert_true(glyph_ascii());
	assert_string_equal(nanoseconds_text(35000, text), "35.0 us");
	assert_string_equal(glyph(GLYPH_PLUS_MINUS), "+-");
	under("C", "C.UTF-8", "C.UTF-8");
	assert_true(glyph_ascii());
	under("", "POSIX", "C.UTF-8");
	assert_true(glyph_ascii());
#ifdef __GLIBC__	/* for musl these are UTF-8, as all but C is */
	under("", "", "");
	assert_true(glyph_ascii());
	under("", "xx_YY.ISO-8859-1", "C.UTF-8");
	assert_true(glyph_ascii());
#endif
	/* a locale that is not installed */
	under("", "", "xx_YY.utf8");
	assert_false(glyph_ascii());
	under("C.UTF-8", "C", "C");
	assert_false(glyph_ascii());
	assert_string_equal(nanoseconds_text(35000, text), "35.0 µs");
}

static void
times_have_a_unit_and_are_a_year_at_most(void **state)
{
	static const struct { const char *text; int64_t us; } cases[] = {
		{ "1", 1000000 }, { "1s", 1000000 }, { "1.5ms", 1500 },
		{ ".5s", 500000 }, { "250us", 250 }, { "2m", 120000000 },
		{ "8760h", INT64_C(31536000000000) },
	};
	static const char *const wrong[] = {
		"", ".", "s", "-1", "1x", "1 s", "1e3", "0x1", "1.5.5", "ms1",
		"8761h", "1ss",
	};
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(duration_parse(cases[i].text, &us), 0);
		assert_int_equal(us, cases[i].us);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(duration_parse(wrong[i], &us), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    times_have_three_digits_and_the_unit_that_fits),
		cmocka_unit_test(bytes_and_rates_have_three_digits),
		cmocka_unit_test(times_have_a_unit_and_are_a_year_at_most),
		cmocka_unit_test(the_locale_decides_on_the_characters),
	};

	return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}
