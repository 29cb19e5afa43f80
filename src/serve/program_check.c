#include "serve/program_check.h"

#include "base/fail.h"

/* Whether the user says which clients of other hosts may come. */
static bool
clients_are_chosen(const struct settings *s)
{
	return s->tls_ca || s->tls_pin || s->allow.count;
}

int
program_check(const struct settings *s, const struct addr *at, int count)
{
	char text[ADDR_TEXT];

	if (!s->program)
		return 0;
	if (s->udp)
		return fail_as(STATUS_USAGE, "%.100s serves connections, and "
		    "datagrams have none", s->program[0]);
	if (clients_are_chosen(s))
		return 0;
	for (int i = 0; i < count; i++) {
		if (addr_is_loopback(&at[i]))
			continue;
		fail_as(STATUS_USAGE, "%s: everybody who reaches this address "
		    "could run %.100s", addr_text(&at[i], text),
		    s->program[0]);
		return fail_advise(ADVICE_CHOOSE_CLIENTS);
	}
	return 0;
}
