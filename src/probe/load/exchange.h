#ifndef PROBE_LOAD_EXCHANGE_H
#define PROBE_LOAD_EXCHANGE_H

#include "probe/load/plan.h"
#include "probe/load/question.h"

/*
 * The bytes to send on one connection, and whether the reply is complete and
 * right. It knows no sockets.
 */

enum { GREETING_MAX = 256, NAME_CAP = 64 };

enum greeting { GREETING_OPEN, GREETING_SEEN, GREETING_NONE };

struct exchange {
	const struct plan *plan;
	uint64_t id;			/* the attempt's; it varies the echo */
	bool wants_greeting;
	enum greeting greeting;
	char line[GREETING_MAX];	/* "rpnc/1 name=A ..." as it comes */
	size_t line_length;
	size_t out;			/* bytes that were sent */
	size_t in;			/* bytes received, without greeting */
	bool expected, matched;		/* --expect, --match were found */
	bool loose;			/* the match may grow with more text */
	bool wrong;			/* the reply is not what was asked */
	bool right;			/* the plan's question is answered */
	char why[QUESTION_WHY];		/* it is answered wrong; or "" */
	size_t match_at;		/* its start in the text */
	char *text;			/* the reply, up to a limit */
	size_t length;
	char name[NAME_CAP + 1];	/* by --match: untrusted bytes */
	size_t name_length;
};

void exchange_start(struct exchange *, const struct plan *, uint64_t id,
    bool wants_greeting);
void exchange_free(struct exchange *);

/* Copies what is sent next into room; 0: nothing more. */
size_t exchange_piece(const struct exchange *, char *room, size_t size);
void exchange_sent(struct exchange *, size_t length);
/* Bytes that are still to be sent. */
size_t exchange_left(const struct exchange *);

void exchange_take(struct exchange *, const char *data, size_t length);
/* Nothing more came for a moment: the match is complete. */
void exchange_settle(struct exchange *);
/* No greeting will come any more. */
void exchange_no_greeting(struct exchange *);
/* The peer has ended, or time is up: a reply that is not complete is wrong. */
void exchange_end(struct exchange *);

bool exchange_is_done(const struct exchange *);
/* Whether to call exchange_settle() when nothing more comes for a moment. */
bool exchange_is_loose(const struct exchange *);
/* Whether only a greeting is missing. */
bool exchange_is_greeting_left(const struct exchange *);

#endif
