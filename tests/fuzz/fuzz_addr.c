/* Addresses and endpoints as users type them, and socket addresses. */
#include <netdb.h>

#include "fuzz.h"
#include "net/addr.h"

static void
show(const struct addr *a)
{
	char text[ADDR_TEXT], by[ADDR_BY_TEXT];
	struct addr plain = addr_unmapped(a);

	HOLDS(strlen(addr_text(a, text)) < ADDR_TEXT);
	HOLDS(strlen(addr_host(a, text)) < ADDR_TEXT);
	HOLDS(strlen(addr_text_by(a, &plain, by)) < ADDR_BY_TEXT);
	HOLDS(addr_equal(a, a));
	addr_is_wildcard(a);
	addr_is_loopback(&plain);
	addr_port(a);
}

static void
look_up(const struct endpoint *e)
{
	struct addr_list list = { 0 };
	char text[ENDPOINT_TEXT];
	struct addr a;

	HOLDS(strlen(endpoint_text(e, text)) < ENDPOINT_TEXT);
	if (e->local && addr_unix(&a, e->path) > 0)
		show(&a);
	if (!e->local && endpoint_is_literal(e) &&
	    addr_ask(e, e->family, AI_NUMERICHOST, &list) == 0)
		for (int i = 0; i < list.count; i++)
			show(&list.at[i]);
	addr_list_free(&list);
}

/* As the kernel may give it: any bytes behind a known family. */
static void
show_raw(const uint8_t *data, size_t length)
{
	static const sa_family_t families[] = { AF_INET, AF_INET6, AF_UNIX };
	struct addr a = { 0 };

	for (int i = 0; i < 3; i++) {
		memcpy(&a.un, data, length < sizeof(a.un) ? length :
		    sizeof(a.un));
		a.sa.sa_family = families[i];
		a.len = i == 0 ? sizeof(a.in) : i == 1 ? sizeof(a.in6) :
		    length < 2 ? 2 : length > sizeof(a.un) ? sizeof(a.un) :
		    (socklen_t)length;
		show(&a);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6, 0 };
	unsigned flags = fuzz_byte(&data, &length);
	struct endpoint e = {
		.family = families[flags & 3], .numeric = flags & 4,
		.datagram = flags & 8,
	};
	char *text = fuzz_text(data, length), *words[3], url[URL_TEXT];
	int count = fuzz_words(text, words, 3);

	if (count && addr_of_url(words[0], url))
		HOLDS(strlen(url) < URL_TEXT);
	if (endpoint_parse(&e, count, words) == 0)
		look_up(&e);
	show_raw(data, length);
	free(text);
	return 0;
}
