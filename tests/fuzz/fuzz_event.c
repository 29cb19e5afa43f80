/* Foreign data and names in events: JSON that has the same bytes, and text. */
#include <jansson.h>
#include <stdbool.h>

#include "base/base64.h"
#include "fuzz.h"
#include "report/event.h"
#include "report/table.h"

static const enum event_kind kinds[] = {
	EVENT_LISTENING, EVENT_JOINED, EVENT_LEFT, EVENT_CONNECTED, EVENT_DATA,
	EVENT_CLOSED, EVENT_EXIT, EVENT_REACHED, EVENT_TLS, EVENT_KEY,
	EVENT_SOCKOPT, EVENT_DRAINING, EVENT_STEERING, EVENT_ERROR,
	EVENT_REPORT, EVENT_CHECK, EVENT_RESCUE,
};
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

/* The bytes that a data event has, by one of its two fields. */
static void
check_data(const json_t *object, const void *data, size_t length)
{
	const json_t *text = json_object_get(object, "text");
	const json_t *coded = json_object_get(object, "base64");
	char *room = malloc(length + 4);
	size_t n;

	HOLDS(room && !json_is_string(text) != !json_is_string(coded));
	if (json_is_string(text)) {
		HOLDS(json_string_length(text) == length);
		HOLDS(memcmp(json_string_value(text), data, length) == 0);
	} else {
		n = json_string_length(coded);
		HOLDS(n / 4 * 3 <= length + 2);
		HOLDS(base64_decode(json_string_value(coded), n, room) ==
		    (ssize_t)length);
		HOLDS(memcmp(room, data, length) == 0);
	}
	free(room);
}

static void
show(const struct event *e)
{
	const struct table_style style = { .columns = 60, .terminal = true };

	for (int ascii = 0; ascii < 2; ascii++) {
		char *line = event_json(e, ascii);
		json_t *object;

		HOLDS(line && !strchr(line, '\n'));
		for (const char *at = line; ascii && *at; at++)
			HOLDS(*at >= ' ' && *at < 127);
		object = json_loads(line, JSON_ALLOW_NUL, NULL);
		HOLDS(object);
		if (e->kind == EVENT_DATA)
			check_data(object, e->data, e->length);
		json_decref(object);
		free(line);
	}
	free(event_human(e, &style));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	enum event_kind kind = kinds[fuzz_byte(&data, &length) % KINDS];
	char *text = fuzz_text(data, length);
	void *copy = fuzz_copy(data, length);
	struct addr a = { .in = { .sin_family = AF_INET } };
	struct event e = {
		.kind = kind, .name = text, .protocol = "tcp", .reason = text,
		.text = text, .command = text, .mode = text, .steering = text,
		.version = text, .cipher = text, .alpn = text, .pin = text,
		.asked = text, .value = text, .how = text, .proxy = text,
		.replaces = text, .address = &a, .peer = &a, .via = &a,
		.data = copy, .length = length,
	};

	a.len = sizeof(a.in);
	show(&e);
	free(copy);
	free(text);
	return 0;
}
