#ifndef PROBE_LOAD_EXCHANGE_H
#define PROBE_LOAD_EXCHANGE_H

#include "probe/load/plan.h"

/*
 * What is said on one connection: what goes out, and whether what comes back
 * is all that is wanted. Knows nothing of sockets.
 */

enum { GREETING_MAX = 256, NAME_CAP = 64 };

enum greeting { GREETING_OPEN, GREETING_SEEN, GREETING_NONE };

struct exchange {
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

void exchange_start(struct exchange *, const struct plan *, uint64_t id,
    bool wants_greeting);
void exchange_free(struct exchange *);

/* Copies what is to be sent next into room; 0: no more. */
size_t exchange_piece(const struct exchange *, char *room, size_t size);
void exchange_sent(struct exchange *, size_t length);

void exchange_take(struct exchange *, const char *data, size_t length);
/* Nothing more came for a moment: what was matched is taken for whole. */
void exchange_settle(struct exchange *);
/* No greeting will come any more. */
void exchange_no_greeting(struct exchange *);
/* The peer has ended, or time is up: what is still missing is wrong. */
void exchange_end(struct exchange *);

bool exchange_is_done(const struct exchange *);
/* Whether to call exchange_settle() when nothing more comes for a moment. */
bool exchange_is_loose(const struct exchange *);
/* Whether nothing but a greeting is still waited for. */
bool exchange_is_greeting_left(const struct exchange *);

#endif
