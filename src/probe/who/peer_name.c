#include "probe/who/peer_name.h"

#include <string.h>

#include "group/reach/greeting.h"

_Static_assert((int)ROW_NAME == (int)GREETING_NAME, "a row has a name's room");

int
peer_of_greeting(struct tally *t, const char *text, size_t length)
{
	struct row row = { .worker = -1 };
	struct greeting_words g;

	if (greeting_read(&g, text, length) < 0)
		return -1;
	memcpy(row.name, g.name, sizeof(row.name));
	memcpy(row.host, g.host, sizeof(row.host));
	row.pid = g.pid;
	row.worker = g.worker;
	return tally_name(t, &row);
}

int
peer_of_reply(struct tally *t, const char *name, size_t length)
{
	struct row row = { .worker = -1 };

	if (!length)
		return -1;
	greeting_name(row.name, name, length);
	return tally_name(t, &row);
}
