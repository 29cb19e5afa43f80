#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "terminal/keys.h"

struct sample {
	const char *bytes;
	int key;
	size_t used;
};

/* What xterm and the Linux console send: "PC-style function keys". */
static const struct sample samples[] = {
	{ "q", 'q', 1 }, { "qq", 'q', 1 }, { "?x", '?', 1 },
	{ "\033[A", KEY_UP, 3 }, { "\033[B", KEY_DOWN, 3 },
	{ "\033OA", KEY_UP, 3 }, { "\033OB", KEY_DOWN, 3 },
	{ "\033[Ax", KEY_UP, 3 }, { "\033[5~", KEY_PAGE_UP, 4 },
	{ "\033[6~q", KEY_PAGE_DOWN, 4 }, { "\033[H", KEY_HOME, 3 },
	{ "\033[F", KEY_END, 3 }, { "\033[1~", KEY_HOME, 4 },
	{ "\033[4~", KEY_END, 4 }, { "\033[7~", KEY_HOME, 4 },
	{ "\033[8~", KEY_END, 4 }, { "\033OH", KEY_HOME, 3 },
	/* with Control, F5, a report of the cursor: nothing of ours */
	{ "\033[1;5A", KEY_NONE, 6 }, { "\033[15~", KEY_NONE, 5 },
	{ "\033[12;40Rq", KEY_NONE, 8 }, { "\033[C", KEY_NONE, 3 },
	/* alone, with Alt, cut short */
	{ "\033", KEY_ESCAPE, 1 }, { "\033q", KEY_NONE, 2 },
	{ "\033[", KEY_NONE, 0 }, { "\033[5", KEY_NONE, 0 },
	/* UTF-8: no byte of it is a key */
	{ "\303\251", KEY_NONE, 1 }, { "\251", KEY_NONE, 1 },
};

static void
test_samples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *s = &samples[i];
		size_t used = 0;

		assert_int_equal(keys_parse(s->bytes, strlen(s->bytes), &used),
		    s->key);
		assert_int_equal(used, s->used);
	}
}

/* Whatever comes: each call uses 0 to n bytes, and reads no others. */
static void
test_any_bytes(void **state)
{
	static const char some[] = { '\033', '[', 'O', '5', ';', '~', 'A',
		'q', '\0', '\377' };
	enum { N = sizeof(some), LENGTH = 4 };

	(void)state;
	for (int i = 0; i < N * N * N * N; i++) {
		char bytes[LENGTH];
		size_t used;

		for (int k = 0, rest = i; k < LENGTH; k++, rest /= N)
			bytes[k] = some[rest % N];
		for (size_t n = 1; n <= LENGTH; n++) {
			int key = keys_parse(bytes + LENGTH - n, n, &used);

			assert_in_range(used, 0, n);
			assert_true(used || bytes[LENGTH - n] == KEY_ESCAPE);
			assert_in_range(key, 0, KEY_END);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
