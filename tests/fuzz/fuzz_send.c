/* The escapes of --send, and the other texts of a probe's plan: one a line. */
#include "cmd/probe_plan.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	char *text = fuzz_text(data, length), *words[4] = { NULL };
	struct endpoint e = { .host = "127.0.0.1", .port = 9 };
	struct settings s;
	struct probe_plan p;

	fuzz_words(text, words, 4);
	settings_init(&s, "probe");
	s.send = words[0];
	s.rate = words[1];
	s.fail_uneven = words[2];
	s.fail_flags = words[3];
	if (probe_plan_make(&p, &s, &e) == 0) {
		HOLDS(!p.send || p.plan.send_length <= strlen(words[0]));
		probe_plan_free(&p);
	}
	free(text);
	return 0;
}
