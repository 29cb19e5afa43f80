#ifndef NET_PROXY_REPLY_H
#define NET_PROXY_REPLY_H

#include <stddef.h>

/*
 * A parser of a proxy's reply reads the bytes that are here, and says this. It
 * keeps no state. The bytes behind a reply are the server's, so a reader must
 * consume no byte beyond length.
 */
enum reply_state { REPLY_MORE, REPLY_BAD, REPLY_DONE };

struct reply {
	enum reply_state state;
	size_t length;		/* done: the reply's; more: its least */
	int code;		/* done: the protocol's code */
	const char *why;	/* bad: the reason */
	size_t line, line_length;	/* HTTP, done: its status line */
};

typedef struct reply reply_parser(const void *data, size_t length);

#endif
