/* What proxies answer, SOCKS5 and HTTP, whole and in every beginning. */
#include "fuzz.h"
#include "net/http_connect.h"
#include "net/socks5.h"

enum { BEGINNINGS = 80 };

static struct reply
read_reply(reply_parser *parser, const uint8_t *data, size_t length)
{
	uint8_t *copy = fuzz_copy(data, length);
	struct reply r = parser(copy, length);

	free(copy);
	if (r.state == REPLY_DONE) {
		HOLDS(r.length <= length);
		HOLDS(r.line + r.line_length <= length);
	} else if (r.state == REPLY_MORE) {
		HOLDS(r.length > length);
	} else {
		HOLDS(r.why);
	}
	return r;
}

/* No beginning is bad if the whole is good. */
static void
read_pieces(reply_parser *parser, const uint8_t *data, size_t length)
{
	struct reply whole = read_reply(parser, data, length), part;

	for (size_t n = 0; n < length && n < BEGINNINGS; n++) {
		part = read_reply(parser, data, n);
		if (part.state == REPLY_BAD)
			HOLDS(whole.state == REPLY_BAD);
		if (part.state == REPLY_DONE)
			HOLDS(whole.state == REPLY_DONE &&
			    whole.length == part.length &&
			    whole.code == part.code);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	reply_parser *const parsers[] = { socks5_read_method,
	    socks5_read_login, socks5_read_connect, http_connect_read };

	for (int i = 0; i < 4; i++)
		read_pieces(parsers[i], data, length);
	HOLDS(socks5_error(length ? data[0] : 0));
	return 0;
}
