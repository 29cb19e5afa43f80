#include "group/reach/greeting.h"

#include <string.h>

#include "base/num.h"

enum { PID_MAX = 1 << 22, WORKER_MAX = 1 << 20, LINE_MAX_LENGTH = 256 };

void
greeting_name(char room[static GREETING_NAME], const char *text, size_t length)
{
	if (length > GREETING_NAME - 1)
		length = GREETING_NAME - 1;
	memcpy(room, text, length);
	room[length] = '\0';
	/* a zero byte would end the name */
	for (size_t i = 0; i < length; i++)
		if (!room[i])
			room[i] = '?';
}

/* Copies the word after " KEY=" in the line; "" if there is none. */
static void
greeting_word(const char *line, const char *key,
    char room[static GREETING_NAME])
{
	const char *at = strstr(line, key);

	room[0] = '\0';
	if (at) {
		at += strlen(key);
		greeting_name(room, at, strcspn(at, " \r\n"));
	}
}

int
greeting_read(struct greeting_words *g, const char *text, size_t length)
{
	char line[LINE_MAX_LENGTH], number[GREETING_NAME];
	int64_t value;

	*g = (struct greeting_words){ .worker = -1 };
	if (length > sizeof(line) - 1)
		length = sizeof(line) - 1;
	memcpy(line, text, length);
	line[length] = '\0';
	greeting_word(line, " name=", g->name);
	greeting_word(line, " host=", g->host);
	greeting_word(line, " pid=", number);
	if (num_parse(number, 1, PID_MAX, &value) == 0)
		g->pid = (pid_t)value;
	greeting_word(line, " worker=", number);
	if (num_parse(number, 0, WORKER_MAX, &value) == 0)
		g->worker = (int)value;
	return g->name[0] || g->pid ? 0 : -1;
}
