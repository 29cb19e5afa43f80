/*
 * Networks: --allow and --deny, a list on each line that begins with '+' or
 * '-'; other lines are ports, proxies, socket options and keys.
 */
#include "fuzz.h"
#include "net/access.h"
#include "net/prefix.h"
#include "net/proxy_hop.h"
#include "net/sockopts.h"
#include "net/sources.h"
#include "tls/pin.h"

enum { LINES = 24 };

static void
read_other(const char *line)
{
	struct sources sources = { 0 };
	struct sockopts options = { 0 };
	struct proxy_hop hop;
	struct pin pin, again;
	char text[PIN_TEXT];

	if (sources_read_ports(&sources, line) == 0)
		sources_flows(&sources);
	sockopts_read(&options, line);
	proxy_hop_parse(&hop, line);
	if (pin_read(&pin, line) == 0) {
		HOLDS(pin_read(&again, pin_text(&pin, text)) == 0);
		HOLDS(memcmp(&pin, &again, sizeof(pin)) == 0);
	}
	sources_free(&sources);
}

static void
read_prefixes(const char *list)
{
	struct prefix_reader r = { .next = list };
	struct prefix p;

	while (prefix_next(&r, &p) > 0)
		HOLDS(prefix_has(&p, &p.base));
}

/* The table's answer for some addresses of the input. */
static void
ask(const struct access *a, const uint8_t *data, size_t length)
{
	struct addr v4 = { .in = { .sin_family = AF_INET } };
	struct addr v6 = { .in6 = { .sin6_family = AF_INET6 } };

	v4.len = sizeof(v4.in);
	v6.len = sizeof(v6.in6);
	for (size_t i = 0; i < length && i < 64; i += 5) {
		size_t left = length - i;

		memcpy(&v4.in.sin_addr, data + i, left < 4 ? left : 4);
		memcpy(&v6.in6.sin6_addr, data + i, left < 16 ? left : 16);
		access_allows(a, &v4);
		access_allows(a, &v6);
	}
	access_hash(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	char *text = fuzz_text(data, length), *lines[LINES];
	int count = fuzz_words(text, lines, LINES);
	struct access a = { 0 };

	for (int i = 0; i < count; i++) {
		bool deny = lines[i][0] == '-';

		if (deny || lines[i][0] == '+') {
			access_add(&a, lines[i] + 1, !deny);
			read_prefixes(lines[i] + 1);
		} else {
			read_other(lines[i]);
		}
	}
	if (access_settle(&a) == 0)
		ask(&a, data, length);
	access_free(&a);
	free(text);
	return 0;
}
