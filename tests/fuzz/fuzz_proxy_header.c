/* The header of the PROXY protocol, as a client may send it. */
#include "fuzz.h"
#include "net/proxy_header.h"

enum { BEGINNINGS = 240 };

static enum proxy_state
parse(const void *data, size_t length, struct proxy_header *h)
{
	uint8_t *copy = fuzz_copy(data, length);
	enum proxy_state state = proxy_header_parse(copy, length, h);

	free(copy);
	HOLDS(state != PROXY_DONE || h->length <= length);
	HOLDS(state != PROXY_BAD || h->why);
	return state;
}

/* What it says, written again in both versions, says the same. */
static void
write_again(const struct proxy_header *h)
{
	const enum proxy_version versions[] = { PROXY_V1, PROXY_V2 };
	struct proxy_header again;
	char room[PROXY_WRITE];

	for (int i = 0; i < 2; i++) {
		size_t n = proxy_header_write(versions[i], &h->from, &h->to,
		    room);

		HOLDS(parse(room, n, &again) == PROXY_DONE);
		HOLDS(again.length == n);
		if (h->from.len && again.from.len)
			HOLDS(addr_equal(&h->from, &again.from) &&
			    addr_equal(&h->to, &again.to));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct proxy_header whole, part;
	enum proxy_state state = parse(data, length, &whole);

	for (size_t n = 1; n < length && n < BEGINNINGS; n++) {
		enum proxy_state early = parse(data, n, &part);

		if (early == PROXY_BAD)
			HOLDS(state == PROXY_BAD);
		if (early == PROXY_DONE)
			HOLDS(state == PROXY_DONE &&
			    whole.length == part.length);
	}
	if (state == PROXY_DONE)
		write_again(&whole);
	return 0;
}
