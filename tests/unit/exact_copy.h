#ifndef EXACT_COPY_H
#define EXACT_COPY_H

#include <stdlib.h>
#include <string.h>

#include "net/proxy_reply.h"

/* Parses a copy of exactly that size, so that sanitizers see an overread. */
static inline struct reply
read_of(reply_parser *parse, const void *data, size_t length)
{
	void *copy = malloc(length ? length : 1);
	struct reply r;

	assert_non_null(copy);
	memcpy(copy, data, length);
	r = parse(copy, length);
	free(copy);
	return r;
}

/* Each shorter piece wants more, never more than there is. */
static inline void
assert_pieces_want_more(reply_parser *parse, const void *data, size_t length)
{
	struct reply r;

	for (size_t have = 0; have < length; have++) {
		r = read_of(parse, data, have);
		assert_int_equal(r.state, REPLY_MORE);
		assert_true(r.length > have);
		assert_true(r.length <= length);
	}
}

#endif
