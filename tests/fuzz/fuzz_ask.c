/*
 * Replies to the questions of --ask. The first byte chooses the question; its
 * identifier is always the same, so that replies get through.
 */
#include "fuzz.h"
#include "probe/load/question.h"

static const char *const names[] = {
	"quic", "dns", "ntp", "stun", "http", "tls",
};
enum { NAMES = sizeof(names) / sizeof(*names), ID = 7 };

static enum judgement
judge(const struct question *q, const uint8_t *data, size_t length)
{
	uint8_t *copy = fuzz_copy(data, length);
	struct question_reply r = { .data = copy, .length = length, .id = ID };
	enum judgement result = q->judge(&r);

	HOLDS(r.name_length <= QUESTION_NAME);
	HOLDS(strnlen(r.why, QUESTION_WHY) < QUESTION_WHY);
	free(copy);
	return result;
}

static void
request(const struct question *q, const uint8_t *data, size_t length)
{
	unsigned char *room = malloc(QUESTION_ROOM);
	char *host = fuzz_text(data, length < 255 ? length : 255);
	size_t n;

	HOLDS(room);
	n = q->request(room, ID, host);
	HOLDS(n > 0 && n <= QUESTION_ROOM);
	free(host);
	free(room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	const char *name = names[fuzz_byte(&data, &length) % NAMES];
	const struct question *q = question_find(name);

	HOLDS(q);
	for (size_t n = 0; !q->datagram && n < length && n < 64; n++)
		judge(q, data, n);
	HOLDS(!q->datagram || judge(q, data, length) != REPLY_PART);
	if (!q->datagram)
		judge(q, data, length);
	request(q, data, length);
	return 0;
}
