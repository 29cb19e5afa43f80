/*
 * HTTP's CONNECT: writes the request, and reads the replies. After the empty
 * line that ends the last reply's head the server's own bytes follow. So a
 * reply that is not complete says only how many bytes it must still have: no
 * reader can take too many.
 */
#include "net/http_connect.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"

enum { LOGIN_MAX = 511, SWITCHING_PROTOCOLS = 101 };

size_t
http_connect_write(char out[HTTP_CONNECT_ROOM], const char *target,
    const char *login)
{
	char code[BASE64_TEXT(LOGIN_MAX)] = "";

	if (login)
		base64(login, strnlen(login, LOGIN_MAX), code);
	return (size_t)snprintf(out, HTTP_CONNECT_ROOM,
	    "CONNECT %.300s HTTP/1.1\r\nHost: %.300s\r\n%s%s%s\r\n", target,
	    target, login ? "Proxy-Authorization: Basic " : "", code,
	    login ? "\r\n" : "");
}

/* The place behind the empty line that ends a head, or 0. */
static size_t
head_end(const char *data, size_t from, size_t length)
{
	const char *at = data + from, *end = data + length;

	while ((at = memchr(at, '\n', (size_t)(end - at)))) {
		at++;
		if (at < end && *at == '\n')
			return (size_t)(at - data) + 1;
		if (at + 1 < end && at[0] == '\r' && at[1] == '\n')
			return (size_t)(at - data) + 2;
	}
	return 0;
}

/* How many bytes are missing at least, until an empty line may end the head. */
static size_t
head_missing(const char *data, size_t length)
{
	bool at_line = length && data[length - 1] == '\n';
	bool at_cr = length > 1 && data[length - 1] == '\r' &&
	    data[length - 2] == '\n';

	return at_line || at_cr ? 1 : 2;
}

/* The status of "HTTP/1.1 200 ..."; 0: too short to tell; -1: no status line. */
static int
status_of(const char *line, size_t length)
{
	static const char like[] = "HTTP/d.d ddd";
	size_t last = sizeof(like) - 1;

	for (size_t i = 0; i < last && i < length; i++)
		if (like[i] == 'd' ? !isdigit((unsigned char)line[i]) :
		    line[i] != like[i])
			return -1;
	if (length <= last)
		return 0;
	if (line[last] != ' ' && line[last] != '\r' && line[last] != '\n')
		return -1;
	return (line[last - 3] - '0') * 100 + (line[last - 2] - '0') * 10 +
	    line[last - 1] - '0';
}

static size_t
line_length(const char *line, size_t length)
{
	const char *end = memchr(line, '\n', length);

	if (end)
		length = (size_t)(end - line);
	return length && line[length - 1] == '\r' ? length - 1 : length;
}

static struct reply
http_bad(const char *why)
{
	return (struct reply){ .state = REPLY_BAD, .why = why };
}

struct reply
http_connect_read(const void *bytes, size_t length)
{
	const char *data = bytes;
	size_t from = 0, end;

	for (;;) {
		int code = status_of(data + from, length - from);

		if (code < 0)
			return http_bad("the reply is not HTTP");
		end = head_end(data, from, length);
		if ((end ? end : length) > HTTP_HEAD_MAX ||
		    (!end && length == HTTP_HEAD_MAX))
			return http_bad("the reply's header is over 64 KiB");
		if (!end)
			return (struct reply){ .state = REPLY_MORE,
			    .length = length + head_missing(data, length) };
		if (code < 100 || code > 199 || code == SWITCHING_PROTOCOLS)
			return (struct reply){ .state = REPLY_DONE,
			    .length = end, .code = code, .line = from,
			    .line_length = line_length(data + from,
			    end - from) };
		from = end;
	}
}
