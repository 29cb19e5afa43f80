#ifndef PROBE_LOAD_QUESTION_H
#define PROBE_LOAD_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Questions whose right answers are known, of --ask: a request of a protocol,
 * and the test of its reply. Pure: they know no sockets and no clock.
 */

enum {
	QUESTION_ROOM = 1200,		/* the longest request: QUIC's */
	QUESTION_READ = 4096,		/* no reply must be read further */
	QUESTION_WHY = 80,
	QUESTION_NAME = 64,
};

enum judgement { REPLY_PART, REPLY_RIGHT, REPLY_WRONG };

struct question_reply {
	const unsigned char *data;
	size_t length;
	uint64_t id;			/* the request's */
	/* Results. */
	char why[QUESTION_WHY];		/* wrong: "DNS code 2, SERVFAIL" */
	char name[QUESTION_NAME + 1];	/* the instance; untrusted bytes */
	size_t name_length;
};

struct question {
	const char *name;
	bool datagram;			/* by UDP; else by TCP */
	bool names;			/* the answer may name the instance */
	/*
	 * Writes the request with this id, which the answer repeats, to a room
	 * of QUESTION_ROOM; host: the name or address that the user gave.
	 */
	size_t (*request)(unsigned char *room, uint64_t id, const char *host);
	enum judgement (*judge)(struct question_reply *);
};

/* NULL: a usage error that lists the names. */
const struct question *question_find(const char *name);

#endif
