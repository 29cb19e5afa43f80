#ifndef PROBE_LOAD_EXCHANGE_H
#define PROBE_LOAD_EXCHANGE_H

#include "probe/load/plan.h"

/*
 * What is said on one connection: what goes out, and whether what comes back
 * is all that is wanted. Knows nothing of sockets.
 */

enum { GREETING_MAX = 256, NAME_CAP = 64 };

enum greeting { GREETING_OPEN, GREETING_SEEN, GREETING_NONE };

struct dialogue {
	const struct plan *plan;
	uint64_t id;			/* makes each echo another one */
	bool wants_greeting;
	enum greeting greeting;
	char line[GREETING_MAX];	/* "rpnc/1 name=A ..." as it comes */
	size_t line_length;
	size_t out;			/* bytes that were sent */
	size_t in;			/* bytes that came, greeting left out */
	bool expected, matched;		/* the patterns were found */
	bool loose;			/* matched up to the end: maybe more */
	bool wrong;			/* not what was to come */
	size_t match_at;		/* the match's place in the text */
	char *text;			/* what came, up to a limit */
	size_t length;
	char name[NAME_CAP + 1];	/* by --match: a stranger's bytes */
	size_t name_length;
};

void dialogue_start(struct dialogue *, const struct plan *, uint64_t id,
    bool wants_greeting);
void dialogue_free(struct dialogue *);

/* Copies what is to be sent next into room; 0: no more. */
size_t dialogue_piece(const struct dialogue *, char *room, size_t size);
void dialogue_sent(struct dialogue *, size_t length);

void dialogue_take(struct dialogue *, const char *data, size_t length);
/* Nothing more came for a moment: what was matched is taken for whole. */
void dialogue_settle(struct dialogue *);
/* No greeting will come any more. */
void dialogue_no_greeting(struct dialogue *);
/* The peer has ended, or time is up: what is still missing is wrong. */
void dialogue_end(struct dialogue *);

bool dialogue_is_done(const struct dialogue *);
/* Whether to call dialogue_settle() when nothing more comes for a moment. */
bool dialogue_is_loose(const struct dialogue *);
/* Whether nothing but a greeting is still waited for. */
bool dialogue_is_greeting_left(const struct dialogue *);

#endif
