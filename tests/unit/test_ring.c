#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "relay/ring.h"

static char model[8 * RING_SIZE];

/* Reads what the ring has from a position, piece by piece. */
static size_t
read_all(const struct ring *r, uint64_t from, char *out)
{
	size_t total = 0, length;

	while (from + total < r->head) {
		const char *piece = ring_at(r, from + total, &length);

		assert_true(length > 0 && length <= RING_SIZE);
		memcpy(out + total, piece, length);
		total += length;
	}
	return total;
}

static void
the_last_ring_of_a_stream_is_there(void **state)
{
	static char got[RING_SIZE];
	struct ring r;
	size_t piece = 1, length = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(model); i++)
		model[i] = (char)(i * 2654435761u >> 13);
	assert_int_equal(ring_open(&r), 0);
	while (length < 5 * RING_SIZE) {
		uint64_t from;

		ring_add(&r, model + length, piece);
		length += piece;
		assert_int_equal(r.head, length);
		from = length > RING_SIZE ? length - RING_SIZE : 0;
		assert_int_equal(read_all(&r, from, got), length - from);
		assert_memory_equal(got, model + from, length - from);
		piece = piece * 3 % 600011 + 1;
	}
	ring_close(&r);
}

static void
one_write_may_fill_it(void **state)
{
	static char got[RING_SIZE];
	struct ring r;

	(void)state;
	assert_int_equal(ring_open(&r), 0);
	ring_add(&r, "abc", 3);
	ring_add(&r, model, RING_SIZE);
	assert_int_equal(read_all(&r, 3, got), RING_SIZE);
	assert_memory_equal(got, model, RING_SIZE);
	ring_close(&r);
}

static void
lf_becomes_crlf(const char *const *pieces, const char *want)
{
	char got[64];
	struct ring r;
	size_t n;

	assert_int_equal(ring_open(&r), 0);
	for (; *pieces; pieces++)
		ring_add_crlf(&r, *pieces, strlen(*pieces));
	n = read_all(&r, 0, got);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(got, want, n);
	ring_close(&r);
}

static void
crlf_is_made_of_lf_and_kept(void **state)
{
	(void)state;
	lf_becomes_crlf((const char *[]){ "a\nb\n", NULL }, "a\r\nb\r\n");
	lf_becomes_crlf((const char *[]){ "a\r\nb\n", NULL }, "a\r\nb\r\n");
	lf_becomes_crlf((const char *[]){ "\n\n", NULL }, "\r\n\r\n");
	lf_becomes_crlf((const char *[]){ "\r\r\n", NULL }, "\r\r\n");
	/* a CR at the end of one piece belongs to the LF of the next */
	lf_becomes_crlf((const char *[]){ "a\r", "\nb", "\n", NULL },
	    "a\r\nb\r\n");
	lf_becomes_crlf((const char *[]){ "a\r", "", "\n", NULL }, "a\r\n");
	/* but only to the first */
	lf_becomes_crlf((const char *[]){ "a\r", "\n", "\n", NULL },
	    "a\r\n\r\n");
}

static void
what_is_put_after_a_restart_is_all(void **state)
{
	static char got[RING_SIZE];
	struct ring r;

	(void)state;
	assert_int_equal(ring_open(&r), 0);
	ring_add(&r, model, 1000);
	memcpy(ring_restart(&r), model, RING_SIZE);
	ring_take(&r, RING_SIZE - 1);
	assert_int_equal(r.head, RING_SIZE - 1);
	assert_int_equal(read_all(&r, 0, got), RING_SIZE - 1);
	ring_add(&r, "!", 1);
	assert_int_equal(read_all(&r, 0, got), RING_SIZE);
	assert_memory_equal(got, model, RING_SIZE - 1);
	assert_int_equal(got[RING_SIZE - 1], '!');
	ring_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_ring_of_a_stream_is_there),
		cmocka_unit_test(one_write_may_fill_it),
		cmocka_unit_test(crlf_is_made_of_lf_and_kept),
		cmocka_unit_test(what_is_put_after_a_restart_is_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
