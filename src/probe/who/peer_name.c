#include "probe/who/peer_name.h"

#include <string.h>

#include "base/num.h"

enum { PID_MAX = 1 << 22 };

static void
name_copy(char room[static ROW_NAME], const char *text, size_t length)
{
	if (length > ROW_NAME - 1)
		length = ROW_NAME - 1;
	memcpy(room, text, length);
	room[length] = '\0';
	/* a zero byte would end the name */
	for (size_t i = 0; i < length; i++)
		if (!room[i])
			room[i] = '?';
}

/* Copies the word after " KEY=" in the line; "" if there is none. */
static void
greeting_word(const char *line, const char *key, char room[static ROW_NAME])
{
	const char *at = strstr(line, key);

	room[0] = '\0';
	if (at) {
		at += strlen(key);
		name_copy(room, at, strcspn(at, " \r\n"));
	}
}

int
peer_of_greeting(struct tally *t, const char *text, size_t length)
{
	struct row row = { .worker = -1 };
	char line[256], number[ROW_NAME];
	int64_t value;

	if (length > sizeof(line) - 1)
		length = sizeof(line) - 1;
	memcpy(line, text, length);
	line[length] = '\0';
	greeting_word(line, " name=", row.name);
	greeting_word(line, " host=", row.host);
	greeting_word(line, " pid=", number);
	if (num_parse(number, 1, PID_MAX, &value) == 0)
		row.pid = (pid_t)value;
	greeting_word(line, " worker=", number);
	if (num_parse(number, 0, 1 << 20, &value) == 0)
		row.worker = (int)value;
	if (!row.name[0] && !row.pid)
		return -1;
	return tally_name(t, &row);
}

int
peer_of_reply(struct tally *t, const char *name, size_t length)
{
	struct row row = { .worker = -1 };

	if (!length)
		return -1;
	name_copy(row.name, name, length);
	return tally_name(t, &row);
}
