#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/date.h"

#define NOW INT64_C(1796040000000000)

static void
test_reads(void **state)
{
	/* by date -u -d TIME +%s */
	static const struct { const char *text; int64_t us; } good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-30T14:00:00Z", INT64_C(1796047200000000) },
		{ "2026-11-30t14:00:00z", INT64_C(1796047200000000) },
		{ "2026-11-30 14:00:00Z", INT64_C(1796047200000000) },
		{ "2026-11-30T14:00:00.5Z", INT64_C(1796047200500000) },
		{ "2026-11-30T14:00:00.123456789Z",
		    INT64_C(1796047200123456) },
		{ "2026-11-30T15:30:00+01:30", INT64_C(1796047200000000) },
		{ "2026-11-30T06:00:00-08:00", INT64_C(1796047200000000) },
		{ "2026-11-30T14:00:00-00:00", INT64_C(1796047200000000) },
		{ "2024-02-29T00:00:00Z", INT64_C(1709164800000000) },
		{ "2000-02-29T00:00:00Z", INT64_C(951782400000000) },
		{ "2016-12-31T23:59:60Z", INT64_C(1483228800000000) },
		{ "+0", NOW }, { "+30s", NOW + 30000000 },
		{ "+1.5", NOW + 1500000 }, { "+250ms", NOW + 250000 },
		{ "+2m", NOW + 120000000 },
	};
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		us = -7;
		if (date_parse(good[i].text, NOW, &us) != 0 ||
		    us != good[i].us)
			fail_msg("%s: %lld", good[i].text, (long long)us);
	}
}

static void
test_refuses(void **state)
{
	static const char *const bad[] = {
		"", "+", "++1", "+-1", "+x", "-30s", "30s", "now", "14:00",
		"2026-11-30", "2026-11-30T14:00", "2026-11-30T14:00:00",
		"2026-11-30T14:00:00ZZ", "2026-11-30T14:00:00Z ",
		" 2026-11-30T14:00:00Z", "2026-11-30T14:00:00.Z",
		"2026-11-30T14:00:00,5Z", "2026-11-30T14:00:00+0100",
		"2026-11-30T14:00:00+01", "2026-11-30T14:00:00+24:00",
		"2026-11-30T14:00:00+01:60", "2026-11-30T24:00:00Z",
		"2026-11-30T14:60:00Z", "2026-11-30T14:00:61Z",
		"2026-13-01T14:00:00Z", "2026-00-01T14:00:00Z",
		"2026-11-31T14:00:00Z", "2026-11-00T14:00:00Z",
		"2026-02-29T14:00:00Z", "2100-02-29T14:00:00Z",
		"1969-12-31T23:59:59Z", "26-11-30T14:00:00Z",
		"2026-11-3 T14:00:00Z", "2026-1-30T14:00:00Z",
	};
	int64_t us = -7;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (date_parse(bad[i], NOW, &us) != -1 || us != -7)
			fail_msg("accepted: %s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
