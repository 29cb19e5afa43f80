/*
 * A server's reply to a probe: the greeting, --match, --expect and --echo. The
 * first line is the pattern, the rest is the reply.
 */
#include "fuzz.h"
#include "group/reach/greeting.h"
#include "group/reach/member_choice.h"
#include "probe/load/exchange.h"
#include "probe/load/pattern.h"

static void
take(struct exchange *d, const uint8_t *data, size_t length, size_t piece)
{
	while (length && !exchange_is_done(d)) {
		size_t n = length < piece ? length : piece;
		char *copy = fuzz_copy(data, n);

		exchange_take(d, copy, n);
		if (exchange_is_loose(d) && n & 1)
			exchange_settle(d);
		free(copy);
		data += n;
		length -= n;
	}
	exchange_end(d);
	HOLDS(d->name_length <= NAME_CAP);
	HOLDS(d->line_length <= GREETING_MAX);
}

static void
talk(const struct plan *plan, unsigned flags, const uint8_t *data,
    size_t length)
{
	char room[64];
	struct exchange d;
	size_t n;

	exchange_start(&d, plan, flags, flags & 1);
	while ((n = exchange_piece(&d, room, sizeof(room))) > 0)
		exchange_sent(&d, n);
	HOLDS(exchange_left(&d) == 0);
	take(&d, data, length, (flags >> 4) + 1);
	exchange_free(&d);
}

static void
read_names(const char *line, size_t length)
{
	struct greeting_words words;
	struct member_choice choice;
	char *text = fuzz_text(line, length), *copy = fuzz_copy(line, length);

	greeting_read(&words, copy, length);
	member_choice_read(&choice, text);
	free(copy);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	unsigned flags = fuzz_byte(&data, &length);
	const uint8_t *lf = length ? memchr(data, '\n', length) : NULL;
	size_t first = lf ? (size_t)(lf - data) : length;
	char *text = fuzz_text(data, first);
	struct plan plan = { .echo = flags & 2 ? 40 : 0 };
	regex_t pattern;
	bool compiled = pattern_compile(&pattern, "match", text) == 0;

	if (compiled && flags & 4)
		plan.match = &pattern;
	if (compiled && flags & 8)
		plan.expect = &pattern;
	data += first + (lf != NULL);
	length -= first + (lf != NULL);
	talk(&plan, flags, data, length);
	read_names((const char *)data, length);
	if (compiled)
		regfree(&pattern);
	free(text);
	return 0;
}
